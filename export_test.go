package scarab

// Configured is b as New completes it.
func Configured(b Backend, cfg Config) Backend {
	cfg = cfg.withDefaults()
	b, _ = configured(b, &cfg, "")
	return b
}

func parsePayload(payload []byte) (*State, error) {
	st := new(State)
	return st, st.parsePayload(payload)
}
