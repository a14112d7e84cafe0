package scarab

// Configured is b as New completes it.
func Configured(b Backend, cfg Config) Backend {
	cfg = cfg.withDefaults()
	b, _ = configured(b, &cfg, "")
	return b
}
