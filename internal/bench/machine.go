package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine describes what this runs on.
func machine() string {
	cpu := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores of %s, %s, %s", runtime.NumCPU(), cpu, runtime.GOOS, runtime.Version())
}

// What is compared, by module.
var compared = map[string]string{
	"github.com/alexedwards/scs/v2":           "scs",
	"github.com/alexedwards/scs/goredisstore": "scs goredisstore",
	"github.com/alexedwards/scs/pgxstore":     "scs pgxstore",
	"github.com/alexedwards/scs/sqlite3store": "scs sqlite3store",
	"github.com/gorilla/sessions":             "gorilla/sessions",
	"github.com/gorilla/securecookie":         "gorilla/securecookie",
	"github.com/gorilla/csrf":                 "gorilla/csrf",
	"github.com/justinas/nosurf":              "nosurf",
	"github.com/gin-contrib/sessions":         "gin-contrib/sessions",
	"github.com/gin-gonic/gin":                "gin",
	"github.com/gofiber/fiber/v3":             "fiber",
	"github.com/gofiber/storage/redis/v3":     "fiber storage/redis",
	"github.com/boj/redistore":                "boj/redistore",
	"github.com/redis/go-redis/v9":            "go-redis",
	"github.com/gomodule/redigo":              "redigo",
	"github.com/redis/rueidis":                "rueidis",
	"github.com/jackc/pgx/v5":                 "pgx",
	"modernc.org/sqlite":                      "modernc sqlite",
}

// versions returns what is compared, and the servers.
func versions() map[string]string {
	all := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if name, ok := compared[m.Path]; ok {
				all[name] = m.Version
			}
		}
	}
	number := regexp.MustCompile(`\d+(\.\d+)+`)
	for name, command := range map[string]string{"Redis": "redis-server", "PostgreSQL": "postgres"} {
		if out, err := exec.Command(command, "--version").Output(); err == nil {
			all[name] = number.FindString(string(out))
		}
	}
	return all
}
