package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/admin/internal/ui"
)

// Events counts what happens to sessions, for the page about them: give its
// Record to scarab.Config.OnEvent. It keeps a day in the memory of this
// process. The zero value is ready; methods may be called by any number of
// goroutines.
type Events struct {
	Clock func() time.Time // default: time.Now

	mu     sync.Mutex
	slots  [daySlots]slot
	recent []recorded // oldest first
}

// A slot is what happened in some minutes.
type slot struct {
	number int64 // of the slot since 1970; another one means that it is old
	active int   // sessions at the last sample
	counts map[string]int
}

type recorded struct {
	at time.Time
	scarab.Event
}

const (
	slotLength  = 15 * time.Minute
	daySlots    = 96
	recentKept  = 20
	reasonsKept = 50 // in a slot; others are counted as one
)

// Record notes an event.
func (e *Events) Record(_ context.Context, event scarab.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	s := e.slot(now)
	key := string(event.Kind) + " " + event.Reason
	if len(s.counts) >= reasonsKept && s.counts[key] == 0 {
		key = string(event.Kind) + " other"
	}
	s.counts[key]++
	switch event.Kind {
	case scarab.EventCreated, scarab.EventRenewed, scarab.EventAdopted:
		return // too many to be of interest one by one
	}
	if len(e.recent) == recentKept {
		e.recent = append(e.recent[:0:0], e.recent[1:]...)
	}
	event.Err = nil
	e.recent = append(e.recent, recorded{now, event})
}

// Sample notes how many sessions there are.
func (e *Events) Sample(active int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.slot(e.now()).active = active
}

// Run samples once a minute until ctx ends.
func (e *Events) Run(ctx context.Context, count func(context.Context) (int, error)) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		if n, err := count(ctx); err == nil {
			e.Sample(n)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (e *Events) now() time.Time {
	if e.Clock == nil {
		return time.Now()
	}
	return e.Clock()
}

func (e *Events) slot(now time.Time) *slot {
	number := now.UnixNano() / int64(slotLength)
	s := &e.slots[number%daySlots]
	if s.number != number {
		active := 0
		if before := &e.slots[(number-1)%daySlots]; before.number == number-1 {
			active = before.active
		}
		*s = slot{number, active, map[string]int{}}
	}
	return s
}

// day returns the slots of the last day, oldest first.
func (e *Events) day() ([]slot, []recorded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := e.now().UnixNano() / int64(slotLength)
	var out []slot
	for n := last - daySlots + 1; n <= last; n++ {
		s := slot{number: n}
		if kept := e.slots[n%daySlots]; kept.number == n {
			s.active, s.counts = kept.active, make(map[string]int, len(kept.counts))
			for k, v := range kept.counts {
				s.counts[k] = v
			}
		}
		out = append(out, s)
	}
	return out, slices.Clone(e.recent)
}

// The chart's measures, in its own units.
const (
	slotWidth   = 8
	chartHeight = 120
)

// eventViews makes what the page shows of the events.
func (v *visit) eventViews(e *Events, now time.Time) (ui.Chart, []ui.Count, []ui.SessionEvent) {
	slots, recent := e.day()
	chart := ui.Chart{Width: slotWidth * daySlots, Height: chartHeight}
	top, logins, most := 1, 0, 1
	reasons := map[string]int{}
	for _, s := range slots {
		top, most = max(top, s.active), max(most, s.logins())
		logins += s.logins()
		for key, n := range s.counts {
			kind, reason, _ := strings.Cut(key, " ")
			if k := scarab.EventKind(kind); k == scarab.EventRejected || k == scarab.EventExpired || k == scarab.EventSuperseded || strings.HasPrefix(kind, "csrf_") {
				reasons[strings.TrimSpace(strings.TrimPrefix(kind, "session_")+" "+reason)] += n
			}
		}
	}
	var line []string
	for i, s := range slots {
		y := chartHeight - s.active*(chartHeight-8)/top
		line = append(line, fmt.Sprintf("%d,%d", i*slotWidth+slotWidth/2, y))
		if n := s.logins(); n > 0 {
			height := max(n*(chartHeight/2)/most, 3)
			chart.Bars = append(chart.Bars, ui.Bar{X: i*slotWidth + 1, Y: chartHeight - height, Width: slotWidth - 2, Height: height})
		}
		if at := time.Unix(0, s.number*int64(slotLength)).UTC(); at.Minute() == 0 && at.Hour()%6 == 0 {
			chart.Labels = append(chart.Labels, ui.Label{X: i * slotWidth, Text: at.Format("15:04")})
		}
	}
	chart.Line = strings.Join(line, " ")
	chart.Area = fmt.Sprintf("%d,%d %s %d,%d", slotWidth/2, chartHeight, chart.Line, chart.Width-slotWidth/2, chartHeight)
	chart.Top = v.t("%d", top)
	chart.Text = v.t("In the last 24 hours: at most %d active sessions, %d logins.", top, logins)
	var events []ui.SessionEvent
	for _, r := range slices.Backward(recent) {
		who := r.Principal
		if who == "" {
			who = r.Handle
		}
		events = append(events, ui.SessionEvent{At: v.ago(r.at, now), Kind: strings.TrimPrefix(string(r.Kind), "session_"), Reason: r.Reason, Who: who})
	}
	return chart, v.counts(reasons), events
}

func (s slot) logins() int { return s.counts[string(scarab.EventLogin)+" "] }

// counts sorts what happened most to the front.
func (v *visit) counts(m map[string]int) []ui.Count {
	var out []ui.Count
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if m[a] != m[b] {
			return m[b] - m[a]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		out = append(out, ui.Count{Name: name, Count: v.t("%d", m[name])})
	}
	return out
}
