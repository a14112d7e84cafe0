# make test         every module's tests, with the race detector; installs what is missing
# make setup        only installs: servers and a browser from Debian's packages, axe-core from npm
# make lint         gofmt, go vet, staticcheck
# make fuzz         every fuzz test for a moment
# make screenshots  the pictures in docs/admin.md
# make bench        the peers side by side, on a machine that does nothing else
# make bench-check  allocations and round trips against the committed table

MODULES := . admin cmd/scarab internal/bench internal/integration pyramid redisstore
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 20s

.PHONY: test setup lint fuzz screenshots bench bench-check cc

# internal/bench runs other libraries too, and the race detector finds races in
# those: it is tested without. What takes longest comes first, beside the others.
RACED := ./internal/integration/... ./cmd/scarab/... ./admin/... ./pyramid/... ./... ./redisstore/...

test: cc setup lint
	@rm -f .skipped
	@export SCARAB_TEST_SKIPPED="$(CURDIR)/.skipped"; status=0; \
	go test -race -timeout 30m $(RACED) || status=1; \
	go test -timeout 10m ./internal/bench/... || status=1; \
	if [ -s .skipped ]; then echo; echo "Not tested on this machine:"; sort -u .skipped; fi; \
	exit $$status

# On a machine that setup cannot prepare, tests say by name what they skip; in CI
# nothing is skipped.
setup:
	@sh scripts/setup.sh || [ -z "$$CI" ]

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted"; exit 1; fi
	@for m in $(MODULES); do (cd $$m && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

fuzz:
	@for m in $(MODULES); do (cd $$m && for p in $$(go list ./...); do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; \
		done; done) || exit 1; done

# One of the pictures is in Japanese.
screenshots: setup
	@fc-list :lang=ja | grep -q . || { echo "make screenshots needs a Japanese font, such as Debian's fonts-noto-cjk"; exit 1; }
	@rm -f docs/screenshots/*.png
	@go run ./cmd/scarab/internal/screenshots docs/screenshots

bench: setup
	@go run ./internal/bench

bench-check: setup
	@cd internal/bench && go test -count=1 -run 'TestGuard|TestLostUpdates' .

# The race detector needs cgo, and cgo a C compiler.
cc:
	@command -v $${CC:-cc} >/dev/null || { echo "make test needs a C compiler for Go's race detector: install gcc, or set CC"; exit 1; }
