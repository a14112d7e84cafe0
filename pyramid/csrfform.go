package pyramid

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
)

// How much of a body is read for a field.
const (
	formLimit      = 1 << 20
	multipartLimit = 64 << 10
)

// formValue returns the value of a field in the body of r, the last one if it
// is there more than once, "" if there is none. The body can be read again from
// its beginning.
//
// As in WebOb a body counts whatever the method is, but for GET and HEAD, and
// only if it says that it is a form.
func formValue(r *http.Request, field string) string {
	if r.Body == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		data, whole := peekBody(r, formLimit)
		if !whole {
			return ""
		}
		form, _ := url.ParseQuery(string(data)) // what is no pair is left out
		if values := form[field]; len(values) > 0 {
			return values[len(values)-1]
		}
	case "multipart/form-data":
		data, _ := peekBody(r, multipartLimit)
		return multipartValue(data, params["boundary"], field)
	}
	return ""
}

// multipartValue looks for a field in the beginning of a multipart body.
func multipartValue(data []byte, boundary, field string) string {
	value := ""
	parts := multipart.NewReader(bytes.NewReader(data), boundary)
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return value
		}
		if part.FormName() != field || part.FileName() != "" {
			continue
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return value // cut
		}
		value = string(text)
	}
}

// peekBody reads the body as far as limit, and puts back what it read. whole is
// false if there is more.
func peekBody(r *http.Request, limit int) (data []byte, whole bool) {
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), rest), r.Body}
	return data[:min(len(data), limit)], err == nil && len(data) <= limit
}

// failing reports again the error that a body ended with.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
