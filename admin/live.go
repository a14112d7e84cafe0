package admin

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
	"github.com/scarab-go/scarab/admin/state"
)

const (
	liveEvery   = 2 * time.Second  // how often the stream sends what there is
	reloadEvery = 10 * time.Second // how often it asks whether its own session still lives
)

// sessionsLive streams the part of the page that changes, as server-sent
// events. It ends with the session of whoever watches.
func (h *handler) sessionsLive(v *visit) error {
	user := v.r.URL.Query().Get("user")
	head := v.w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("X-Accel-Buffering", "no") // nginx would wait for more
	out := http.NewResponseController(v.w)
	tick, reload := time.NewTicker(liveEvery), time.NewTicker(reloadEvery)
	defer tick.Stop()
	defer reload.Stop()
	for {
		if err := v.sendLive(user); err != nil {
			return stopped(err)
		}
		if err := out.Flush(); err != nil {
			return stopped(err)
		}
		for wait := true; wait; {
			select {
			case <-v.r.Context().Done():
				return nil
			case <-tick.C:
				wait = false
			case <-reload.C:
				if err := v.s.Reload(v.r.Context()); err != nil {
					return v.endLive(out, err)
				}
				v.permissions = nil // they may have changed too
				v.startAgain()
				if v.mayUse(state.Sessions) == None {
					return v.endLive(out, scarab.ErrEnded)
				}
			}
		}
	}
}

// sendLive sends one event.
func (v *visit) sendLive(user string) error {
	v.startAgain()
	live, err := v.liveSessions(user)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := ui.RenderLive(&b, live); err != nil {
		return err
	}
	_, err = fmt.Fprintf(v.w, "event: update\ndata: %s\n\n", strings.ReplaceAll(b.String(), "\n", "\ndata: "))
	return err
}

// endLive tells the page why nothing comes any more.
func (v *visit) endLive(out *http.ResponseController, err error) error {
	if !errors.Is(err, scarab.ErrEnded) && v.s.Principal() != "" {
		return stopped(err)
	}
	fmt.Fprintf(v.w, "event: ended\ndata: %s\n\n", v.h.cfg.LoginURL)
	return stopped(out.Flush())
}

// stopped leaves out the errors of a client that is gone: the header is sent,
// and there is nobody to tell.
func stopped(error) error { return nil }
