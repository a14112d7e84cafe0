package main

import (
	"math"
	"time"
)

// What the plan is for.
const (
	planSessions = 100e6
	planRequests = 1e6 // a second
	planWrites   = 0.1 // of the requests
	planBusy     = 0.5 // of a core, so that peaks and the loss of a server fit in
	planNode     = 24  // GB of sessions that one Redis server holds

	touchInterval = 6 * time.Minute // the default
)

// A plan says what a hundred million sessions need, by the figures of a run.
type plan struct {
	Redis struct {
		SessionBytes  float64 // in Redis
		TotalGB       float64
		ShardsForData float64
		ReadCPU       float64 // ns of Redis for a request
		WriteCPU      float64
		Cores         float64 // busy
		ShardsForCPU  float64
		GbitUp        float64
		GbitDown      float64
		AppCores      float64
	}
	Postgres struct {
		RowBytes  float64 // indexes included
		TotalGB   float64
		LogBytes  float64 // of one write
		LogMB     float64 // a second
		WriteRate float64 // measured here
		ReadRate  float64
		WriteX    float64 // how many such machines the writes take
		ReadX     float64
		TouchMB   float64
	}
	Sealed struct {
		Cookie   float64
		GbitUp   float64
		GbitDown float64
		Cores    float64
	}
	Memory struct {
		SessionBytes float64
		TotalGB      float64
	}
}

// plan does the arithmetic.
func (r *Results) plan() plan {
	var p plan
	last := func(library string) (f *Fact) {
		for _, g := range r.Part("sessions") {
			if g.Library == library {
				f = g
			}
		}
		return f
	}
	mix := func(read, write float64) float64 { return (1-planWrites)*read + planWrites*write }
	gbit := func(bytes float64) float64 { return bytes * planRequests * 8 / 1e9 }

	read, write := r.Find("redis", "scarab/redis", "read"), r.Find("redis", "scarab/redis", "write")
	re := &p.Redis
	re.SessionBytes = last("scarab/redis").Get("bytes")
	re.TotalGB = re.SessionBytes * planSessions / 1e9
	re.ShardsForData = math.Ceil(re.TotalGB / planNode)
	re.ReadCPU, re.WriteCPU = read.Get("server")*1e9, write.Get("server")*1e9
	re.Cores = mix(re.ReadCPU, re.WriteCPU) * planRequests / 1e9
	re.ShardsForCPU = math.Ceil(re.Cores / planBusy)
	re.GbitUp = gbit(mix(read.Get("up"), write.Get("up")))
	re.GbitDown = gbit(mix(read.Get("down"), write.Get("down")))
	re.AppCores = math.Ceil(mix(read.Get("cpu"), write.Get("cpu")) * planRequests / 1e9)

	read, write = r.Find("postgres", "scarab/postgres", "read"), r.Find("postgres", "scarab/postgres", "write")
	pg := &p.Postgres
	pg.RowBytes = last("scarab/postgres").Get("bytes")
	pg.TotalGB = pg.RowBytes * planSessions / 1e9
	pg.LogBytes = write.Get("log")
	pg.LogMB = pg.LogBytes * planRequests * planWrites / 1e6
	pg.ReadRate, pg.WriteRate = read.Value(), write.Value()
	pg.ReadX = math.Ceil(planRequests * (1 - planWrites) / pg.ReadRate)
	pg.WriteX = math.Ceil(planRequests * planWrites / pg.WriteRate)
	pg.TouchMB = planSessions / touchInterval.Seconds() * pg.LogBytes / 1e6

	readCookie, writeCookie := r.Find("process", "scarab/sealed", "read S"), r.Find("process", "scarab/sealed", "write S")
	se := &p.Sealed
	se.Cookie = readCookie.Get("cookie")
	se.GbitUp = gbit(se.Cookie)
	se.GbitDown = gbit(planWrites * writeCookie.Get("cookie"))
	se.Cores = math.Ceil(mix(readCookie.Value(), writeCookie.Value()) * planRequests / 1e9)

	p.Memory.SessionBytes = r.At("memory", "scarab/memstore", "write", 1_000_000).Get("heap")
	p.Memory.TotalGB = p.Memory.SessionBytes * planSessions / 1e9
	return p
}
