package testserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Sentinels is a Redis primary with replicas, and sentinels that make one of
// the replicas the primary when it is gone.
type Sentinels struct {
	Name      string    // of the primary, as clients ask the sentinels for it
	Redis     []*Server // the first one is the primary at the start
	Sentinels []*Server

	// Link is what the replicas and the sentinels reach the first primary
	// through, and its address is what they tell clients. While it stalls, the
	// primary is cut off, but for who knows its own address.
	Link *Proxy
}

// RedisSentinels starts a primary with two replicas and three sentinels. Any two
// of them agree that the primary is gone half a second after it last answered.
// Arguments are those of the Redis servers.
func RedisSentinels(t testing.TB, args ...string) *Sentinels {
	t.Helper()
	set := &Sentinels{Name: "scarab", Redis: []*Server{Redis(t, args...)}}
	set.Link = NewProxy(t, set.Redis[0].Addr)
	host, port, _ := net.SplitHostPort(set.Link.Addr)
	for range 2 {
		replica := Redis(t, append([]string{"--replicaof", host + " " + port, "--repl-diskless-sync-delay", "0"}, args...)...)
		set.Redis = append(set.Redis, replica)
	}
	for _, replica := range set.Redis[1:] {
		until(t, "a replica has its copy", func() error {
			return answers(replica, "master_link_status:up", "INFO", "replication")
		})
	}
	for range 3 {
		set.Sentinels = append(set.Sentinels, sentinel(t, set.Name, host, port))
	}
	for _, s := range set.Sentinels {
		until(t, "the sentinels know each other and the replicas", func() error {
			return answers(s, "slaves=2,sentinels=3", "INFO", "sentinel")
		})
	}
	return set
}

func sentinel(t testing.TB, name, host, port string) *Server {
	t.Helper()
	// A sentinel writes what it learns into its configuration.
	conf := fmt.Sprintf("sentinel monitor %s %s %s 2\nsentinel down-after-milliseconds %[1]s 500\n"+
		"sentinel failover-timeout %[1]s 5000\n", name, host, port)
	makeRedis := redisServer()(t)
	return own(t, func(port int, dir string) (*Server, error) {
		file := filepath.Join(dir, "sentinel.conf")
		if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
			return nil, err
		}
		s, err := makeRedis(port, dir)
		if err != nil {
			return nil, err
		}
		plain := s.cmd
		s.cmd = func() (cmd *exec.Cmd) {
			cmd = plain()
			cmd.Args = []string{cmd.Path, file, "--sentinel", "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir}
			return cmd
		}
		return s, nil
	})
}

// Primary asks a sentinel for the address of the primary.
func (s *Sentinels) Primary() (string, error) {
	answer, err := s.Sentinels[0].Do("SENTINEL", "get-master-addr-by-name", s.Name)
	return strings.Replace(answer, "\n", ":", 1), err
}

// A Cluster is a Redis Cluster.
type Cluster struct {
	Primaries []*Server
	Replicas  []*Server // the i-th is of the i-th primary
}

// Addrs returns the addresses of all nodes.
func (c *Cluster) Addrs() (addrs []string) {
	for _, s := range append(append([]*Server(nil), c.Primaries...), c.Replicas...) {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// RedisCluster starts three primaries, each with a third of the slots and with
// one replica. A node that does not answer for a second is replaced.
// Arguments are those of the Redis servers.
func RedisCluster(t testing.TB, args ...string) *Cluster {
	t.Helper()
	c := new(Cluster)
	for i := range 6 {
		node := Redis(t, append([]string{
			"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(FreePort(t)),
			"--cluster-node-timeout", "1000", "--repl-diskless-sync-delay", "0",
		}, args...)...)
		if i < 3 {
			c.Primaries = append(c.Primaries, node)
			continue
		}
		c.Replicas = append(c.Replicas, node)
	}
	const slots = 16384
	for i, p := range c.Primaries {
		must(t, p, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/3), strconv.Itoa((i+1)*slots/3-1))
		must(t, p, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	nodes := append(append([]*Server(nil), c.Primaries...), c.Replicas...)
	for _, n := range nodes[1:] {
		host, port, _ := net.SplitHostPort(n.Addr)
		must(t, nodes[0], "CLUSTER", "MEET", host, port, must(t, n, "CONFIG", "GET", "cluster-port")[len("cluster-port\n"):])
	}
	for i, r := range c.Replicas {
		id := must(t, c.Primaries[i], "CLUSTER", "MYID")
		until(t, "a replica knows its primary", func() error {
			_, err := r.Do("CLUSTER", "REPLICATE", id)
			return err
		})
	}
	for _, n := range nodes {
		until(t, "the cluster is ready", func() error {
			if err := answers(n, "cluster_state:ok", "CLUSTER", "INFO"); err != nil {
				return err
			}
			list, err := n.Do("CLUSTER", "NODES")
			if err == nil && strings.Count(list, " slave ")+strings.Count(list, ",slave ") != len(c.Replicas) {
				err = fmt.Errorf("not all replicas are known:\n%s", list)
			}
			return err
		})
	}
	for _, r := range c.Replicas {
		until(t, "a replica has its copy", func() error {
			return answers(r, "master_link_status:up", "INFO", "replication")
		})
	}
	return c
}

func must(t testing.TB, s *Server, args ...string) string {
	t.Helper()
	answer, err := s.Do(args...)
	if err != nil {
		t.Fatalf("testserver: %s: %v", strings.Join(args, " "), err)
	}
	return answer
}

// answers reports whether the answer to a command has text in it.
func answers(s *Server, text string, args ...string) error {
	answer, err := s.Do(args...)
	if err == nil && !strings.Contains(answer, text) {
		err = fmt.Errorf("no %q in\n%s", text, answer)
	}
	return err
}

// until asks again and again until f succeeds.
func until(t testing.TB, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("testserver: waiting until %s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
