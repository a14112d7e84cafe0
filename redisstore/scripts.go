package redisstore

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/rueidis"
)

//go:embed lua/record.lua
var recordLua string

//go:embed lua/index.lua
var indexLua string

//go:embed lua/load.lua
var loadLua string

//go:embed lua/touch.lua
var touchLua string

//go:embed lua/create.lua
var createLua string

//go:embed lua/save.lua
var saveLua string

//go:embed lua/delete.lua
var deleteLua string

//go:embed lua/drop.lua
var dropLua string

//go:embed lua/head.lua
var headLua string

//go:embed lua/list.lua
var listLua string

//go:embed lua/revoke.lua
var revokeLua string

//go:embed lua/entries.lua
var entriesLua string

//go:embed lua/strike.lua
var strikeLua string

// A script is one of lua/, with the functions it uses in front.
type script struct {
	text string
	lua  *rueidis.Lua
}

// again makes a script that may run twice where an answer was lost, if the
// client retries at all.
func again(text string) script { return script{text, rueidis.NewLuaScriptRetryable(text)} }
func once(text string) script  { return script{text, rueidis.NewLuaScript(text)} }

var (
	load    = again(recordLua + loadLua)
	touch   = again(recordLua + touchLua)
	create  = once(recordLua + createLua)
	save    = once(saveLua)
	remove  = again(recordLua + deleteLua)
	drop    = once(recordLua + dropLua)
	list    = again(indexLua + listLua)
	revoke  = again(indexLua + revokeLua)
	entries = again(indexLua + entriesLua)
	strike  = again(strikeLua)

	// Run on many sessions at once, which may be on any node. Its text is sent
	// each time: to have it loaded everywhere, every node would have to be up.
	head = rueidis.NewLuaScriptNoShaRetryable(headLua)
)

// run runs a script.
func (s *Store) run(ctx context.Context, sc script, keys []string, args ...string) rueidis.RedisResult {
	return sc.lua.Exec(ctx, s.client, keys, args)
}

// runDurably is run, and waits for replicas if the configuration says so.
func (s *Store) runDurably(ctx context.Context, sc script, keys []string, args ...string) (rueidis.RedisResult, error) {
	if s.cfg.WaitReplicas == 0 {
		res := s.run(ctx, sc, keys, args...)
		return res, res.Error()
	}
	// WAIT is about what its own connection has written.
	conn, release := s.client.Dedicate()
	defer release()
	results := conn.DoMulti(ctx,
		conn.B().Eval().Script(sc.text).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build(),
		conn.B().Wait().Numreplicas(int64(s.cfg.WaitReplicas)).Timeout(s.cfg.WaitTimeout.Milliseconds()).Build())
	if err := results[0].Error(); err != nil {
		return results[0], err
	}
	n, err := results[1].AsInt64()
	if err == nil && n < int64(s.cfg.WaitReplicas) {
		err = fmt.Errorf("%w: %d of %d after %v", ErrReplicas, n, s.cfg.WaitReplicas, s.cfg.WaitTimeout)
	}
	return results[0], err
}
