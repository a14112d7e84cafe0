package admin

import (
	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// A Notice is a flash message of the interface. The application can push its
// own onto the queues, and the next page shows them.
type Notice struct {
	Text string `json:"text"`
	Undo string `json:"undo,omitempty"`
}

// The queues of the messages that every page shows, once.
const (
	Success = scarab.Queue[Notice]("success")
	Warning = scarab.Queue[Notice]("warning")
	Failure = scarab.Queue[Notice]("error")
)

// flashes takes the messages that are waiting, the first time it is called.
func (v *visit) flashes() []ui.Flash {
	if v.taken {
		return v.messages
	}
	v.taken = true
	for _, q := range [...]scarab.Queue[Notice]{Failure, Warning, Success} {
		for _, n := range q.Pop(v.s) {
			f := ui.Flash{Kind: string(q), Text: n.Text}
			if n.Undo != "" {
				f.Undo = v.url("/undo/" + n.Undo)
			}
			v.messages = append(v.messages, f)
		}
	}
	return v.messages
}

func (v *visit) succeed(text string) { Success.Push(v.s, Notice{Text: text}) }
func (v *visit) warn(text string)    { Warning.Push(v.s, Notice{Text: text}) }
