package csrf

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

const (
	// formLimit is how much of an urlencoded body is read: all of it, since
	// the last field counts.
	formLimit = 1 << 20

	// multipartLimit is how far into a multipart body the token must be. It
	// is a field before the files, and what follows it is not waited for.
	multipartLimit = 64 << 10

	// fieldLimit is more than any token has.
	fieldLimit = 1 << 10
)

// formToken returns the form field csrf_token of the body, or nil. The handler
// still sees the whole body.
//
// Of several such fields in an urlencoded body the last counts, as in Pyramid;
// in a multipart body the first. Other content types, and the query string,
// are not looked at.
func formToken(r *http.Request) ([]byte, *Error) {
	// Someone before us has parsed the body, so it is gone.
	if r.MultipartForm != nil {
		return firstBytes(r.MultipartForm.Value[FieldName]), nil
	}
	if values := r.PostForm[FieldName]; len(values) > 0 {
		return firstBytes(values[len(values)-1:]), nil
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	contentType := r.Header.Get("Content-Type")
	media, _, _ := strings.Cut(contentType, ";")
	switch media = strings.TrimSpace(media); {
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return urlencodedToken(r)
	case strings.EqualFold(media, "multipart/form-data"):
		_, params, err := mime.ParseMediaType(contentType)
		if err != nil || params["boundary"] == "" {
			return nil, nil // no handler can read it either
		}
		return multipartToken(r, params["boundary"])
	}
	return nil, nil
}

func firstBytes(values []string) []byte {
	if len(values) == 0 {
		return nil
	}
	return []byte(values[0])
}

func urlencodedToken(r *http.Request) ([]byte, *Error) {
	if r.ContentLength > formLimit {
		return nil, tooLarge()
	}
	// The length is a promise, so memory follows what has come; one byte more,
	// so that the end of a small form is seen without growing.
	size := min(r.ContentLength, 16<<10)
	if size < 0 {
		size = 512
	}
	body := &replay{read: make([]byte, 0, size+1), rest: r.Body}
	r.Body = body
	err := body.fill(formLimit + 1)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(body.read) > formLimit:
		return nil, tooLarge()
	}
	return lastField(body.read), nil
}

func tooLarge() *Error {
	return &Error{Reason: BadBody, Header: FieldName, Hint: "forms of more than 1 MiB send the token in the header X-CSRF-Token, or are multipart/form-data"}
}

func unreadable(err error) *Error {
	return &Error{Reason: BadBody, Header: FieldName, Err: err, Hint: "the body could not be read"}
}

// lastField finds the last csrf_token in an urlencoded form, as url.ParseQuery
// would, without unpacking the rest. The result is nil if there is none.
func lastField(form []byte) []byte {
	for len(form) > 0 {
		i := bytes.LastIndexByte(form, '&')
		pair := form[i+1:]
		form = form[:max(i, 0)]
		key, value, _ := bytes.Cut(pair, []byte("="))
		if !bytes.Equal(key, []byte(FieldName)) && (!escaped(key) || unescape(key) != FieldName) {
			continue
		}
		if bytes.IndexByte(pair, ';') >= 0 {
			continue // an error to url.ParseQuery
		}
		if !escaped(value) {
			return value
		}
		if text, err := url.QueryUnescape(string(value)); err == nil {
			return []byte(text)
		}
	}
	return nil
}

func escaped(s []byte) bool { return bytes.IndexByte(s, '%') >= 0 || bytes.IndexByte(s, '+') >= 0 }

func unescape(s []byte) string {
	text, err := url.QueryUnescape(string(s))
	if err != nil {
		return ""
	}
	return text
}

func multipartToken(r *http.Request, boundary string) ([]byte, *Error) {
	body := &replay{rest: r.Body}
	r.Body = body
	head := body.recorded(multipartLimit)
	parts := multipart.NewReader(head, boundary)
	for {
		part, err := parts.NextPart()
		if err == nil && part.FormName() == FieldName && part.FileName() == "" {
			var value []byte
			value, err = io.ReadAll(io.LimitReader(part, fieldLimit+1))
			if len(value) > fieldLimit {
				return nil, nil
			}
			if err == nil {
				return value, nil
			}
		}
		switch {
		case err == nil:
		case head.full():
			return nil, &Error{Reason: BadBody, Header: FieldName, Hint: "put the token field before the files, in the first 64 KiB, or send the token in the header X-CSRF-Token"}
		case head.err != nil && head.err != io.EOF:
			return nil, unreadable(head.err)
		default:
			return nil, nil // no such field, or a form that no handler can read
		}
	}
}

// A replay is a body of which a part was read before its time. It gives that
// part first, then what is left.
type replay struct {
	read []byte
	rest io.ReadCloser
	err  error // of rest, not yet given to the reader
}

func (b *replay) Read(p []byte) (int, error) {
	if len(b.read) > 0 {
		n := copy(p, b.read)
		if b.read = b.read[n:]; len(b.read) == 0 {
			b.read = nil
		}
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

func (b *replay) Close() error { return b.rest.Close() }

// fill reads until the end or until limit bytes are there.
func (b *replay) fill(limit int) error {
	for len(b.read) < limit {
		if len(b.read) == cap(b.read) {
			b.read = append(b.read, 0)[:len(b.read)]
		}
		n, err := b.rest.Read(b.read[len(b.read):min(cap(b.read), limit)])
		b.read = b.read[:len(b.read)+n]
		if err != nil {
			b.err = err
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
	return nil
}

// recorded returns a reader of at most limit bytes of the rest, which are kept
// to be given again.
func (b *replay) recorded(limit int) *recorder { return &recorder{body: b, left: limit} }

type recorder struct {
	body *replay
	left int
	err  error // of the body
}

func (t *recorder) full() bool { return t.left == 0 }

func (t *recorder) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	if t.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := t.body.rest.Read(p[:min(len(p), t.left)])
	t.body.read = append(t.body.read, p[:n]...)
	t.left -= n
	t.err, t.body.err = err, err
	return n, err
}
