package admin

import (
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/scarab-go/scarab/admin/internal/rows"
	"github.com/scarab-go/scarab/admin/internal/schema"
)

// undoLifetime is how long a deletion can be taken back.
const undoLifetime = 10 * time.Minute

// maxUndos is how many deletions are kept at a time; the oldest goes first.
const maxUndos = 100

// undos keeps what was deleted, in this process: the browser has only a name
// for it, which works once, for the person who deleted it.
type undos struct {
	mu   sync.Mutex
	list []undo // oldest first
}

type undo struct {
	name      string
	principal string
	expires   time.Time
	table     string // for people
	gone      *rows.Deleted
}

// keep returns the name of what is gone.
func (u *undos) keep(now time.Time, principal, table string, gone *rows.Deleted) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expire(now)
	if len(u.list) >= maxUndos {
		u.list = append(u.list[:0:0], u.list[1:]...)
	}
	name := rand.Text()
	u.list = append(u.list, undo{name, principal, now.Add(undoLifetime), table, gone})
	return name
}

func (u *undos) expire(now time.Time) {
	for len(u.list) > 0 && !now.Before(u.list[0].expires) {
		u.list = append(u.list[:0:0], u.list[1:]...)
	}
}

// take returns what was kept under that name for principal, once.
func (u *undos) take(now time.Time, principal, name string) (undo, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.expire(now)
	for i, e := range u.list {
		if e.name == name && e.principal == principal {
			u.list = append(u.list[:i:i], u.list[i+1:]...)
			return e, true
		}
	}
	return undo{}, false
}

// giveBack keeps again what was taken and could not be used.
func (u *undos) giveBack(e undo) {
	u.mu.Lock()
	defer u.mu.Unlock()
	i, _ := slices.BinarySearchFunc(u.list, e.expires, func(o undo, t time.Time) int { return o.expires.Compare(t) })
	u.list = slices.Insert(u.list, i, e)
}

// undoDelete brings back what was deleted.
func (h *handler) undoDelete(v *visit) error {
	e, ok := h.undos.take(h.cfg.Clock(), v.s.Principal(), v.r.PathValue("name"))
	if !ok {
		return &problem{status: http.StatusGone, text: v.t("This cannot be undone any more: it was undone already, or it is too long ago.")}
	}
	for _, l := range e.gone.Losses() {
		if v.may(l.Table) < Write {
			return &problem{status: http.StatusForbidden, text: v.t("You may look at this table, but not change it.")}
		}
	}
	if err := h.db.Restore(v.ctx, e.gone); err != nil {
		h.cfg.Logger.WarnContext(v.ctx, "admin: undo failed", "error", err)
		h.undos.giveBack(e) // for another try, when what stands in the way is gone
		Failure.Push(v.s, Notice{Text: v.t("The rows could not be brought back: what is in the database by now stands in the way."), Undo: e.name})
		return v.redirect(v.url("/"))
	}
	v.recordRestoration(e.gone)
	v.succeed(v.t("%d rows are back in %s.", e.gone.Rows(), e.table))
	if t := v.schema.named(e.table); t != nil {
		return v.redirect(v.tableURL(t))
	}
	return v.redirect(v.url("/"))
}

// named finds a table by its full name.
func (t *tables) named(name string) *schema.Table {
	for _, table := range t.Tables {
		if table.FullName() == name {
			return table
		}
	}
	return nil
}
