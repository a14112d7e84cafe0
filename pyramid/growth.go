package pyramid

// A growth counts how many bytes longer than ours Python's own pickle of a
// value is, at most. Python pickles a session again when it extends it, and
// answers every page with an error if that no longer fits into the cookie: what
// would not fit then is refused here.
type growth struct {
	newest bool // protocol 4 or 5, as Pyramid has it; Beaker has protocol 2
	n      int
	memos  int
}

// pythonGrowth is for a value that was pickled, so that it ends.
func pythonGrowth(v any, newest bool) int {
	g := growth{newest: newest}
	if newest {
		g.n = 9 // FRAME
	}
	g.add(v)
	return max(0, g.n)
}

// memo is what Python adds to each text and each container, to refer to it.
func (g *growth) memo() {
	switch g.memos++; {
	case g.newest:
		g.n++ // MEMOIZE
	case g.memos <= 256:
		g.n += 2 // BINPUT
	default:
		g.n += 5 // LONG_BINPUT
	}
}

func (g *growth) add(v any) {
	switch v := v.(type) {
	case string:
		g.memo()
		if g.newest && len(v) < 256 {
			g.n -= 3 // SHORT_BINUNICODE
		}
	case *pyList:
		g.single(v.items)
		g.all(v.items)
	case *pyTuple:
		g.all(v.items)
	case *pyDict:
		g.single(v.keys)
		g.all(v.keys)
		for _, value := range v.values {
			g.add(value)
		}
	case *pySet:
		g.n += 20 // up to four references
		g.all(v.dict.keys)
	case pyBytes:
		g.memo()
		if !g.newest { // as text of Latin-1, with a call
			g.n += 50 + len(v)
		}
	case pyBytearray, pyDatetime, pyDate, pyTimedelta, pyTimezone:
		g.n += 100 // names with their references, a zone's too
	}
}

// single is for what Python adds one item to without a MARK.
func (g *growth) single(items []any) {
	if len(items) == 1 {
		g.n--
	}
}

func (g *growth) all(items []any) {
	g.memo()
	g.n += 4 * (len(items) / 1000) // Python adds them in portions
	for _, item := range items {
		g.add(item)
	}
}
