package integration

import (
	"bytes"
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
	"slices"
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

// rights are those that the package documents for an ACL user of one server,
// and more are those that it documents for one of other uses.
var (
	rights = []string{"+@read", "+@write", "+@scripting", "+@connection", "+info", "+time", "+wait"}
	more   = struct{ cache, cluster, sentinel, ofSentinels []string }{
		cache:       []string{"+multi", "+exec"},
		cluster:     []string{"+cluster|slots", "+cluster|shards"},
		sentinel:    []string{"+role"},
		ofSentinels: []string{"&*", "+@connection", "+subscribe", "+unsubscribe", "+sentinel|sentinels", "+sentinel|get-master-addr-by-name"},
	}
)

// allow makes the user web with these rights, and no others, at each server.
func allow(t *testing.T, servers []*testserver.Server, rights ...[]string) {
	t.Helper()
	for _, s := range servers {
		_, err := s.Do(append([]string{"ACL", "SETUSER", "web", "reset", "on", ">secret"}, slices.Concat(rights...)...)...)
		must(t, err)
	}
}

// asWeb are the options of a client of that user.
var asWeb = rueidis.ClientOption{Username: "web", Password: "secret"}

// A user with the rights that the package documents can do everything, with
// the keys of its prefix and no others.
func TestRedis_acl(t *testing.T) {
	server := testserver.Redis(t)
	keys := []string{"~test:*"}
	allow(t, []*testserver.Server{server}, keys, rights)
	client := newRedis(t, asWeb, server.Addr)
	testRedisStore(t, client, redisstore.Config{})
	if err := newRedisStore(client, redisstore.Config{}).CheckPolicy(t.Context()); err != nil {
		t.Error(err)
	}
	elsewhere := redisstore.New(client, redisstore.Config{Prefix: "other:"})
	if err := elsewhere.Create(t.Context(), record("data")); !refuses(err) {
		t.Errorf("outside of its prefix: %v", err)
	}

	cached := redisstore.New(client, redisstore.Config{Prefix: "test:", ClientSideCache: true})
	r := record("data")
	must(t, redisstore.New(client, redisstore.Config{Prefix: "test:"}).Create(t.Context(), r))
	if _, err := cached.LoadTouch(t.Context(), r.Handle, r.Secret, time.Now(), time.Hour); err == nil || errors.Is(err, scarab.ErrNoSession) {
		t.Errorf("with a cache, but without %v: %v", more.cache, err)
	}
	allow(t, []*testserver.Server{server}, keys, rights, more.cache)
	testRedisStore(t, newRedis(t, asWeb, server.Addr), redisstore.Config{ClientSideCache: true})
}

func TestRedis_aclCluster(t *testing.T) {
	cluster := testserver.RedisCluster(t)
	nodes := slices.Concat(cluster.Primaries, cluster.Replicas)
	keys := []string{"~test:*"}
	option := asWeb
	option.InitAddress = cluster.Addrs()
	allow(t, nodes, keys, rights)
	if client, err := rueidis.NewClient(option); !refuses(err) {
		if err == nil {
			client.Close()
		}
		t.Errorf("without %v: %v", more.cluster, err)
	}

	allow(t, nodes, keys, rights, more.cluster, more.cache)
	for name, shards := range map[string]bool{"slots": false, "shards": true} {
		t.Run(name, func(t *testing.T) {
			option.ClusterOption.PreferClusterShards = shards // as from Redis 8 on
			client := newRedis(t, option, cluster.Addrs()...)
			testRedisStore(t, client, redisstore.Config{})
			testRedisStore(t, client, redisstore.Config{ClientSideCache: true})
			must(t, newRedisStore(client, redisstore.Config{WaitReplicas: 1}).Create(t.Context(), of(record("data"), "ann")))
		})
	}
}

// Sentinels have users of their own.
func TestRedis_aclSentinel(t *testing.T) {
	set := testserver.RedisSentinels(t)
	keys := []string{"~test:*"}
	option := asWeb
	option.InitAddress = []string{set.Sentinels[0].Addr}
	option.Sentinel = rueidis.SentinelOption{MasterSet: set.Name, Username: "web", Password: "secret"}
	allow(t, set.Sentinels, more.ofSentinels)
	allow(t, set.Redis, keys, rights)
	if client, err := rueidis.NewClient(option); !refuses(err) {
		if err == nil {
			client.Close()
		}
		t.Errorf("without %v: %v", more.sentinel, err)
	}

	allow(t, set.Redis, keys, rights, more.sentinel, more.cache)
	client := newRedis(t, option, set.Sentinels[0].Addr)
	testRedisStore(t, client, redisstore.Config{WaitReplicas: 1})
	testRedisStore(t, client, redisstore.Config{ClientSideCache: true})
}

// refuses reports an error that is about rights.
func refuses(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "NOPERM") || strings.Contains(err.Error(), "no permissions"))
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
	client := newRedis(t, rueidis.ClientOption{}, server.Addr)
	store := redisstore.New(client, redisstore.Config{WaitReplicas: 1, WaitTimeout: 10 * time.Millisecond})
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
	// A renewal soon after a login looks like one.
	r = of(record("data"), "ann")
	if err := store.Create(ctx, r); !errors.Is(err, redisstore.ErrReplicas) {
		t.Fatal(err)
	}
	must(t, redisstore.New(client, redisstore.Config{}).Create(ctx, r))
	renewed := plainly(next(r, "renewed"))
	renewed.Renewed = renewed.Seen
	must(t, store.Save(ctx, renewed))
}
