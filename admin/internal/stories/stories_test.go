package stories

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/admin/internal/ui"
)

// Every page can be made in every state and every language, whole.
func TestAll(t *testing.T) {
	for _, l := range ui.Languages {
		for _, s := range All(l) {
			w := httptest.NewRecorder()
			if err := ui.Render(w, s.Status, s.Page); err != nil || !strings.HasSuffix(strings.TrimSpace(w.Body.String()), "</html>") {
				t.Errorf("%s in %s: %v\n%s", s.Name, l, err, w.Body)
			}
			if strings.Contains(w.Body.String(), "%!") {
				t.Errorf("%s in %s has a message with the wrong arguments:\n%s", s.Name, l, w.Body)
			}
		}
	}
}
