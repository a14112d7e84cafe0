package pyramid

import (
	"context"
	"errors"
	"time"

	"github.com/scarab-go/scarab"
)

// A session is renewed by moving it to another id, since the id is all that the
// cookie has. A note in the store, which Python never looks at, says where it
// went: for a logout that is under way with the old id, which must end the
// session, and for requests that save.
//
//	1  the session is created under the new id, which nobody knows
//	2  the note is created
//	3  the old session is removed, if it is still what was loaded
//
// A logout removes the session and then looks for a note. If it comes before 3,
// the renewal finds nothing to remove, and takes back what it made; if it comes
// after 3, there is a note. A crash before 3 leaves the old session. If the
// answer to 3 is lost, everything is taken back: at worst the visitor logs in
// again, and a logout that was faster stays one.
const (
	notePrefix = "scarab-renewed-"

	// noteTTL is how long a request with the old id may take. Storages that
	// cannot expire values keep their notes, as they keep Beaker's sessions.
	noteTTL = time.Hour

	// grace is how long a request with the old id is told apart from a
	// stranger's: the same as scarab.Stored's.
	grace = time.Minute

	// noteAbandoned is the age of a note whose session was not moved after
	// all. No commit takes so long.
	noteAbandoned = time.Minute
)

// A note says where a session went.
type note struct {
	place
	next string
	at   time.Time
}

func (b *kept) noteKey(id string) string { return b.format.key(notePrefix + id) }

// note returns the note of a session that was renewed, or ErrNoSession.
func (b *kept) note(ctx context.Context, id string) (note, error) {
	value, p, err := b.store.load(ctx, b.noteKey(id))
	if errors.Is(err, errUndecodable) {
		err = errUnknown
	}
	if err != nil {
		return note{}, err
	}
	dict, ok := value.(*pyDict)
	if !ok {
		return note{}, errUnknown
	}
	next, ok := dict.get("next").(string)
	at, ok2 := toTime(dict.get("at"))
	if !ok || !ok2 {
		return note{}, errUnknown
	}
	return note{p, next, at}, nil
}

// whyUnknown returns the error of Load for an id that is not in the store.
func (b *kept) whyUnknown(ctx context.Context, now time.Time, id string) error {
	n, err := b.note(ctx, id)
	switch {
	case err == nil && now.Before(n.at.Add(grace)):
		return scarab.ErrSuperseded
	case err == nil, errors.Is(err, scarab.ErrNoSession):
		return errUnknown
	}
	return err
}

// latest returns the id that a session has by now, or ErrNoSession.
func (b *kept) latest(ctx context.Context, id string) (string, error) {
	n, err := b.note(ctx, id)
	if err != nil {
		return "", err
	}
	for range 100 { // renewals within noteTTL
		next, err := b.note(ctx, n.next)
		if errors.Is(err, scarab.ErrNoSession) {
			return n.next, nil
		}
		if err != nil {
			return "", err
		}
		n = next
	}
	return "", errUnknown
}

// renew moves the session to a new id.
func (b *kept) renew(ctx context.Context, now time.Time, st *scarab.State, prev *loaded) (string, error) {
	next := *st
	value, err := b.create(ctx, now, &next, prev.contents)
	if err != nil {
		return "", err
	}
	id := next.Private.(*loaded).id
	_, err = b.store.create(ctx, b.noteKey(prev.id), new(pyDict).put("next", id).put("at", fromTime(now)), noteTTL)
	made := err == nil
	if errors.Is(err, scarab.ErrExists) {
		// Another request renews it too, and one of them comes first.
		err = b.clearAbandoned(ctx, now, prev.id)
	} else if made {
		err = b.store.removeSame(ctx, b.format.key(prev.id), prev.place)
	}
	if err == nil {
		*st = next
		return value, nil
	}
	undo := b.store.remove(ctx, b.format.key(id))
	if made {
		undo = errors.Join(undo, b.store.remove(ctx, b.noteKey(prev.id)))
	}
	if undo != nil {
		return "", undo
	}
	return "", b.conflict(ctx, now, prev.id, &storageError{err})
}

// clearAbandoned removes the note that a renewal left that did not get to its
// end, and reports errChanged: to be tried again.
func (b *kept) clearAbandoned(ctx context.Context, now time.Time, id string) error {
	n, err := b.note(ctx, id)
	if err == nil && now.Sub(n.at) > noteAbandoned {
		if err = b.store.removeSame(ctx, b.noteKey(id), n.place); err == nil {
			err = b.store.remove(ctx, b.format.key(n.next))
		}
	}
	if err != nil && !errors.Is(err, scarab.ErrNoSession) && !errors.Is(err, errChanged) {
		return err
	}
	if _, _, err := b.store.load(ctx, b.format.key(id)); err != nil {
		return err // it was moved: conflict finds where to
	}
	return errChanged
}

// end removes a session, whatever id it has by now.
func (b *kept) end(ctx context.Context, id string) error {
	for range 100 {
		key := b.format.key(id)
		if err := b.store.remove(ctx, key); err != nil {
			// Whatever became of it, once more does no harm.
			if err = b.store.remove(ctx, key); err != nil {
				return err
			}
		}
		n, err := b.note(ctx, id)
		if errors.Is(err, scarab.ErrNoSession) {
			return nil
		}
		if err != nil {
			return err
		}
		id = n.next
	}
	return nil
}
