package integration

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/scarab-go/scarab"
	"github.com/scarab-go/scarab/internal/testserver"
	"github.com/scarab-go/scarab/redisstore"
)

func TestRedis_tls(t *testing.T) {
	dir := t.TempDir()
	roots := writeCertificate(t, dir)
	port := strconv.Itoa(testserver.FreePort(t))
	testserver.Redis(t, "--tls-port", port, "--tls-auth-clients", "no",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"))
	client := newRedis(t, rueidis.ClientOption{TLSConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}}, "127.0.0.1:"+port)
	testRedisStore(t, client, redisstore.Config{})
}

// writeCertificate writes a certificate for localhost and its key into dir.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	must(t, os.WriteFile(filepath.Join(dir, "cert.pem"), certPEM, 0o600), os.WriteFile(filepath.Join(dir, "key.pem"), keyPEM, 0o600))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return roots
}

// A user with the rights that the package documents can do everything, with
// the keys of its prefix and no others.
func TestRedis_acl(t *testing.T) {
	server := testserver.Redis(t)
	if _, err := server.Do("ACL", "SETUSER", "web", "on", ">secret", "~test:*",
		"+@read", "+@write", "+@scripting", "+@connection", "+info", "+time", "+wait"); err != nil {
		t.Fatal(err)
	}
	client := newRedis(t, rueidis.ClientOption{Username: "web", Password: "secret"}, server.Addr)
	testRedisStore(t, client, redisstore.Config{})
	if err := newRedisStore(client, redisstore.Config{}).CheckPolicy(t.Context()); err != nil {
		t.Error(err)
	}
	elsewhere := redisstore.New(client, redisstore.Config{Prefix: "other:"})
	if err := elsewhere.Create(t.Context(), record("data")); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("outside of its prefix: %v", err)
	}
}

func TestRedis_policy(t *testing.T) {
	for policy, warns := range map[string]bool{"noeviction": false, "allkeys-lru": true, "volatile-ttl": true} {
		t.Run(policy, func(t *testing.T) {
			server := testserver.Redis(t, "--maxmemory-policy", policy)
			var log bytes.Buffer
			store := newRedisStore(newRedis(t, rueidis.ClientOption{}, server.Addr),
				redisstore.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			must(t, store.Create(t.Context(), record("data")), store.Create(t.Context(), record("data")))
			n := strings.Count(log.String(), "level=WARN")
			if warns && (n != 1 || !strings.Contains(log.String(), policy)) || !warns && n != 0 {
				t.Errorf("the log says %q", &log)
			}
			if err := store.CheckPolicy(t.Context()); (err != nil) != warns {
				t.Errorf("CheckPolicy: %v", err)
			}
		})
	}
}

// With too few replicas the calls that wait for them say so; the others go on.
func TestRedis_waitReplicas(t *testing.T) {
	server := testserver.Redis(t)
	store := newRedisStore(newRedis(t, rueidis.ClientOption{}, server.Addr),
		redisstore.Config{WaitReplicas: 1, WaitTimeout: 10 * time.Millisecond})
	ctx, r := t.Context(), record("data")
	login := of(next(r, "login"), "ann")
	_, revoked := store.RevokePrincipal(ctx, "nobody", time.Now())
	for what, err := range map[string]error{
		"Create":               store.Create(ctx, r),
		"Save of a login":      store.Save(ctx, login),
		"RevokePrincipal":      revoked,
		"Delete":               store.Delete(ctx, r.Handle),
		"Delete of it, again":  store.Delete(ctx, r.Handle),
		"Delete of no session": store.Delete(ctx, scarab.Handle{}),
	} {
		if !errors.Is(err, redisstore.ErrReplicas) {
			t.Errorf("%s: %v, want %v", what, err, redisstore.ErrReplicas)
		}
	}
	r = record("data")
	if err := store.Create(ctx, r); !errors.Is(err, redisstore.ErrReplicas) {
		t.Fatal(err)
	}
	must(t, store.Save(ctx, next(r, "more")), store.Touch(ctx, r.Handle, time.Now()))
}

// A session that this store has ended is not seen again, not even by a request
// that begins in the same moment.
func TestRedis_cachedOwnDelete(t *testing.T) {
	server := testserver.SharedRedis(t)
	client, prefix := newRedis(t, rueidis.ClientOption{}, server.Addr), "test:"+rand.Text()+":"
	store := redisstore.New(client, redisstore.Config{Prefix: prefix, ClientSideCache: true})
	there := redisstore.New(client, redisstore.Config{Prefix: prefix})
	ctx := t.Context()
	for round := range 300 {
		r := of(record("data"), "ann")
		must(t, there.Create(ctx, r))
		load := func() error {
			_, err := store.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
			return err
		}
		must(t, load(), load())
		stop, done := make(chan struct{}), make(chan struct{})
		go func() { // keeps the copy in memory fresh
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					load()
				}
			}
		}()
		var err error
		switch round % 2 {
		case 0:
			err = store.Delete(ctx, r.Handle)
		case 1:
			_, err = store.RevokePrincipal(ctx, "ann", time.Now())
		}
		seen := load()
		close(stop)
		<-done
		must(t, err)
		if !errors.Is(seen, scarab.ErrNoSession) {
			t.Fatalf("round %d: a session that was ended is loaded: %v", round, seen)
		}
	}
}

// What another process has ended is seen for a second at most, also if the
// network has failed and Redis' message does not arrive.
func TestRedis_cachedBound(t *testing.T) {
	server := testserver.SharedRedis(t)
	proxy := testserver.NewProxy(t, server.Addr)
	prefix := "test:" + rand.Text() + ":"
	here := redisstore.New(newRedis(t, rueidis.ClientOption{PipelineMultiplex: -1}, proxy.Addr), redisstore.Config{Prefix: prefix, ClientSideCache: true})
	there := redisstore.New(newRedis(t, rueidis.ClientOption{}, server.Addr), redisstore.Config{Prefix: prefix})
	ctx := t.Context()
	load := func(r scarab.Record) error {
		ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		_, err := here.LoadTouch(ctx, r.Handle, r.Secret, time.Now(), time.Hour)
		return err
	}

	r := record("data")
	must(t, there.Create(ctx, r), load(r), load(r), there.Delete(ctx, r.Handle))
	ended := time.Now()
	seenUntil := func(end time.Time) (last time.Duration) {
		for time.Now().Before(end) {
			if began := time.Since(ended); load(r) == nil {
				last = began
			}
		}
		return last
	}
	last := seenUntil(ended.Add(100 * time.Millisecond))
	t.Logf("with Redis' message it is seen for %v", last)
	if last > time.Second {
		t.Errorf("it is seen for %v, want up to a second", last)
	}

	r = record("data")
	must(t, there.Create(ctx, r), load(r), load(r))
	proxy.Stall()
	must(t, there.Delete(ctx, r.Handle))
	ended = time.Now()
	last = seenUntil(ended.Add(1500 * time.Millisecond))
	t.Logf("without it it is seen for %v", last)
	if last == 0 || last > time.Second {
		t.Errorf("it is seen for %v, want up to a second", last)
	}
}
