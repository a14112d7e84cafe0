package csrf_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/scarab-go/scarab/csrf"
)

// Pages open WebSockets across sites, with cookies and without a preflight.
func TestWebSocket(t *testing.T) {
	for _, mode := range []csrf.Mode{csrf.OriginAndToken, csrf.OriginOnly, csrf.TokenOnly} {
		t.Run(mode.String(), func(t *testing.T) {
			s := newSite(t, csrf.Config{Mode: mode, TrustedOrigins: []string{"https://app.example.org"}}, func(_ *site, mux *http.ServeMux) {
				mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
					conn, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
					rw.Flush()
				})
			})
			tests := []struct {
				upgrade, headers string
				status           int
			}{
				{"websocket", "Origin: " + s.URL, http.StatusSwitchingProtocols},
				{"websocket", "Origin: https://app.example.org", http.StatusSwitchingProtocols},
				{"websocket", sameOrigin, http.StatusSwitchingProtocols},
				{"websocket", "Accept: */*", http.StatusSwitchingProtocols}, // a program
				{"websocket", "Origin: https://evil.example", http.StatusForbidden},
				{"WebSocket", "Origin: null", http.StatusForbidden},
				{"h2c, WebSocket", "Origin: https://evil.example", http.StatusForbidden},
				{"h2c\r\nUpgrade: websocket", "Origin: https://evil.example", http.StatusForbidden},
				{"websocket", crossSite, http.StatusForbidden},
				{"websocket", "Sec-Fetch-Site: same-site\r\nOrigin: " + s.URL, http.StatusForbidden},
				{"websocket", "Origin: http" + strings.TrimPrefix(s.URL, "https"), http.StatusForbidden},
			}
			host := strings.TrimPrefix(s.URL, "https://")
			for _, tt := range tests {
				conn, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n\r\n", host, tt.upgrade, tt.headers)
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != tt.status {
					t.Errorf("Upgrade: %s, %s: %d, want %d", tt.upgrade, tt.headers, resp.StatusCode, tt.status)
				}
				conn.Close()
			}
			// Another upgrade is not a browser's.
			s.do("GET", "/", nil, "Upgrade: h2c", "Origin: https://evil.example").want(t, http.StatusOK, "home")
		})
	}
}
