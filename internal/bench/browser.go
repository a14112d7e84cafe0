package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"

	"github.com/scarab-go/scarab/internal/bench/app"
)

// A browser sends ready-made requests over one connection and reads as little
// of the answers as it can.
type browser struct {
	conn   net.Conn
	in     *bufio.Reader
	cookie string
	next   []byte
}

func dial(addr string) (*browser, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &browser{conn: conn, in: bufio.NewReader(conn)}, nil
}

func (b *browser) request(op app.Op, cookie string) []byte {
	text := op.Method() + " " + op.Path() + " HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: text/html\r\n"
	if op.Method() != "GET" {
		text += "Content-Length: 0\r\n"
	}
	if cookie != "" {
		text += "Cookie: " + cookie + "\r\n"
	}
	return []byte(text + "\r\n")
}

var (
	lengthHeader = []byte("Content-Length: ")
	cookieHeader = []byte("Set-Cookie: ")
	success      = []byte("HTTP/1.1 200")
)

// do sends a request and reads the answer.
func (b *browser) do(request []byte) error {
	if _, err := b.conn.Write(request); err != nil {
		return err
	}
	length, first := 0, true
	for {
		line, err := b.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, success) {
			return fmt.Errorf("answer %q", line)
		}
		first = false
		if len(line) == 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		} else if value, ok := bytes.CutPrefix(line, cookieHeader); ok && b.next == nil {
			pair, _, _ := bytes.Cut(value, []byte(";"))
			b.cookie = string(pair)
		}
	}
	_, err := b.in.Discard(length)
	return err
}
