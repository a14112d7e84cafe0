package csrf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const formType = "application/x-www-form-urlencoded"

// post is a request as a server hands it to a handler, with a body that comes
// in pieces.
func post(contentType string, body io.Reader) *http.Request {
	r := httptest.NewRequest("POST", "/?csrf_token=from-the-query", nil)
	if body != nil {
		r.Body = io.NopCloser(iotest.HalfReader(body))
	}
	r.Header.Set("Content-Type", contentType)
	r.ContentLength = -1
	return r
}

func TestFormToken(t *testing.T) {
	const boundary = "multipart/form-data; boundary=bb"
	part := func(headers, value string) string { return "--bb\r\n" + headers + "\r\n\r\n" + value + "\r\n" }
	field := func(name, value string) string {
		return part(`Content-Disposition: form-data; name="`+name+`"`, value)
	}
	file := func(name string, size int) string {
		return part(`Content-Disposition: form-data; name="`+name+`"; filename="f"`, strings.Repeat("x", size))
	}
	tests := []struct {
		name, contentType, body string
		want                    string
		err                     bool
	}{
		{name: "alone", contentType: formType, body: "csrf_token=T", want: "T"},
		{name: "among others", contentType: formType, body: "a=1&csrf_token=T&b=2", want: "T"},
		{name: "the last one counts", contentType: formType, body: "csrf_token=F&csrf_token=T", want: "T"},
		{name: "the last one counts if it is empty", contentType: formType, body: "csrf_token=F&csrf_token=", want: ""},
		{name: "escaped", contentType: formType, body: "csrf%5Ftoken=%54", want: "T"},
		{name: "plus is a space", contentType: formType, body: "csrf_token=a+b", want: "a b"},
		{name: "a value with equals signs", contentType: formType, body: "csrf_token=a=b=", want: "a=b="},
		{name: "a broken one is passed over", contentType: formType, body: "csrf_token=T&csrf_token=%zz", want: "T"},
		{name: "charset", contentType: formType + "; charset=utf-8", body: "csrf_token=T", want: "T"},
		{name: "upper case type", contentType: strings.ToUpper(formType), body: "csrf_token=T", want: "T"},
		{name: "another key", contentType: formType, body: "xcsrf_token=F&csrf_tokenx=F&CSRF_TOKEN=F"},
		{name: "a key without value", contentType: formType, body: "csrf_token"},
		{name: "empty", contentType: formType},
		{name: "as long as allowed", contentType: formType, body: pad("csrf_token=T&x=", formLimit), want: "T"},
		{name: "longer", contentType: formType, body: pad("csrf_token=T&x=", formLimit+1), err: true},
		{name: "JSON", contentType: "application/json", body: `{"csrf_token": "F"}`},
		{name: "plain text", contentType: "text/plain", body: "csrf_token=F"},
		{name: "no type", body: "csrf_token=F"},

		{name: "multipart", contentType: boundary, body: field("a", "1") + field("csrf_token", "T") + "--bb--", want: "T"},
		{name: "multipart, the first counts", contentType: boundary, body: field("csrf_token", "T") + field("csrf_token", "F") + "--bb--", want: "T"},
		{name: "multipart, before a big file", contentType: boundary, body: field("csrf_token", "T") + file("f", 1<<20) + "--bb--", want: "T"},
		{name: "multipart, after a small file", contentType: boundary, body: file("f", 60<<10) + field("csrf_token", "T") + "--bb--", want: "T"},
		{name: "multipart, after a big file", contentType: boundary, body: file("f", 1<<20) + field("csrf_token", "F") + "--bb--", err: true},
		{name: "multipart, none", contentType: boundary, body: field("a", "1") + "--bb--"},
		{name: "multipart, none and a big file", contentType: boundary, body: file("f", 1<<20) + "--bb--", err: true},
		{name: "multipart, a file of that name", contentType: boundary, body: file("csrf_token", 5) + "--bb--"},
		{name: "multipart, not form data", contentType: boundary, body: part(`Content-Disposition: attachment; name="csrf_token"`, "F") + "--bb--"},
		{name: "multipart, a field too long", contentType: boundary, body: field("csrf_token", strings.Repeat("F", fieldLimit+1)) + "--bb--"},
		{name: "multipart, cut off", contentType: boundary, body: field("a", "1")[:40]},
		{name: "multipart, another boundary", contentType: "multipart/form-data; boundary=cc", body: field("csrf_token", "F") + "--bb--"},
		{name: "multipart, no boundary", contentType: "multipart/form-data", body: field("csrf_token", "F") + "--bb--"},
		{name: "multipart, a boundary too long", contentType: "multipart/form-data; boundary=" + strings.Repeat("b", 1000), body: "x"},
		{name: "multipart, a type that does not parse", contentType: `multipart/form-data; boundary="bb`, body: field("csrf_token", "F") + "--bb--"},
		{name: "multipart/mixed", contentType: "multipart/mixed; boundary=bb", body: field("csrf_token", "F") + "--bb--"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := post(tt.contentType, strings.NewReader(tt.body))
			testFormToken(t, r, tt.body, tt.want, tt.err)
			// The end of a body may come with its last bytes.
			r.Body = io.NopCloser(iotest.DataErrReader(strings.NewReader(tt.body)))
			testFormToken(t, r, tt.body, tt.want, tt.err)
		})
	}
}

func testFormToken(t *testing.T, r *http.Request, sent, want string, fails bool) {
	t.Helper()
	got, err := formToken(r)
	if string(got) != want || (err != nil) != fails {
		t.Errorf("the token is %.50q, %v; want %q, error %v", got, err, want, fails)
	}
	if err != nil && err.Reason != BadBody {
		t.Errorf("the reason is %q", err.Reason)
	}
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != sent {
		t.Errorf("the handler sees %d bytes of %d, %v", len(body), len(sent), err)
	}
}

func pad(s string, size int) string { return s + strings.Repeat("x", size-len(s)) }

// A form that says how long it is, and is too long, is not read at all.
func TestFormTokenKnownLength(t *testing.T) {
	r := post(formType, iotest.ErrReader(errors.New("read")))
	r.ContentLength = formLimit + 1
	if _, err := formToken(r); err == nil || err.Err != nil || err.Reason != BadBody {
		t.Errorf("%+v", err)
	}
}

// A client that breaks off in the middle is an error, to the gate and to the
// handler.
func TestFormTokenBodyFails(t *testing.T) {
	broken := errors.New("connection lost")
	for _, tt := range [...][2]string{
		{formType, "csrf_token=T&a="},
		{"multipart/form-data; boundary=bb", "--bb\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nxxx"},
		{"multipart/form-data; boundary=bb", "--bb\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nTT"},
		{"multipart/form-data; boundary=bb", ""},
	} {
		contentType, start := tt[0], tt[1]
		r := post(contentType, io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken)))
		token, err := formToken(r)
		if token != nil || err == nil || !errors.Is(err, broken) || err.Reason != BadBody {
			t.Errorf("%s: %q, %v", contentType, token, err)
		}
		body, rerr := io.ReadAll(r.Body)
		if string(body) != start || !errors.Is(rerr, broken) {
			t.Errorf("%s: the handler reads %q, %v", contentType, body, rerr)
		}
	}
}

// An error is the end of the body, also of one that would go on after it.
func TestFormTokenBodyFailsOnce(t *testing.T) {
	for _, contentType := range []string{formType, "multipart/form-data; boundary=bb"} {
		r := post(contentType, nil)
		r.Body = io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("--bb and more"))))
		if _, err := formToken(r); err == nil || !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("%s: %v", contentType, err)
		}
		for range 2 {
			if body, err := io.ReadAll(r.Body); len(body) > 1 || !errors.Is(err, iotest.ErrTimeout) {
				t.Errorf("%s: the handler reads %q, %v", contentType, body, err)
			}
		}
	}
}

// Who has parsed the form before us has taken the body with it.
func TestFormTokenAlreadyParsed(t *testing.T) {
	r := post(formType, strings.NewReader("csrf_token=F&csrf_token=T"))
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	if got, err := formToken(r); string(got) != "T" || err != nil {
		t.Errorf("after ParseForm: %q, %v", got, err)
	}

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	form.WriteField("csrf_token", "T")
	form.WriteField("csrf_token", "F")
	form.Close()
	r = post(form.FormDataContentType(), &body)
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Fatal(err)
	}
	if got, err := formToken(r); string(got) != "T" || err != nil {
		t.Errorf("after ParseMultipartForm: %q, %v", got, err)
	}

	r = post(formType, strings.NewReader("a=1"))
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	if got, err := formToken(r); got != nil || err != nil {
		t.Errorf("after ParseForm of a form without token: %q, %v", got, err)
	}
}

// What the handler does with the body is its own business: all ways of reading
// it see all of it.
func TestBodyStaysReadable(t *testing.T) {
	r := post(formType, strings.NewReader("a=1&csrf_token=T&b=2"))
	if _, err := formToken(r); err != nil {
		t.Fatal(err)
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Encode() != "a=1&b=2&csrf_token=T" {
		t.Errorf("ParseForm: %v, %v", r.PostForm, err)
	}

	file := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(file)
	newForm := func() *http.Request {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		form.WriteField("csrf_token", "T")
		part, _ := form.CreateFormFile("f", "f.bin")
		part.Write(file)
		form.Close()
		r := post(form.FormDataContentType(), &body)
		if got, err := formToken(r); string(got) != "T" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		return r
	}
	r = newForm()
	f, _, err := r.FormFile("f")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, file) {
		t.Errorf("FormFile: %d bytes, %v", len(got), err)
	}
	r = newForm()
	parts, err := r.MultipartReader()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		names = append(names, fmt.Sprint(part.FormName(), " ", len(content), " ", err))
	}
	if want := []string{"csrf_token 1 <nil>", "f 1048576 <nil>"}; !slices.Equal(names, want) {
		t.Errorf("MultipartReader: %q, want %q", names, want)
	}
}

// The field that is found is the one that the standard library finds, so that
// no handler sees another token than was checked.
func FuzzLastField(f *testing.F) {
	for _, s := range []string{
		"", "&", "=", "csrf_token=T", "csrf_token=F&csrf_token=T", "csrf%5ftoken=%54&a=b", "csrf_token", "csrf_token=a;b",
		"csrf_token=%zz&csrf_token=%41+", "&&csrf_token=T&&", "csrf_token==", "%63srf_token=%", "csrf_token=a&csrf_token;=b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, form []byte) {
		before := bytes.Clone(form)
		got := string(lastField(form))
		values, _ := url.ParseQuery(string(form))
		want := ""
		if all := values[FieldName]; len(all) > 0 {
			want = all[len(all)-1]
		}
		if got != want || !bytes.Equal(form, before) {
			t.Errorf("%q: %q, url.ParseQuery finds %q", before, got, want)
		}
	})
}

// Whatever the body, the handler reads it byte for byte, and a token that is
// found is the one that the standard library finds first.
func FuzzMultipart(f *testing.F) {
	for _, s := range []string{
		"", "--bb", "--bb--", "--bb\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\n\r\nT\r\n--bb--",
		"--bb\nContent-Disposition: form-data; name=csrf_token\n\nT\n--bb--",
		"preamble\r\n--bb\r\n\r\n\r\n--bb\r\nContent-Disposition: form-data; name=\"csrf_token\"; filename=\"\"\r\n\r\nT\r\n--bb--",
		"--bb\r\nContent-Disposition: form-data; name=\"csrf_token\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=54\r\n--bb--",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const contentType = "multipart/form-data; boundary=bb"
		r := post(contentType, bytes.NewReader(body))
		got, err := formToken(r)
		again, rerr := io.ReadAll(r.Body)
		if rerr != nil || !bytes.Equal(again, body) {
			t.Errorf("%q is read as %q, %v", body, again, rerr)
		}
		std := post(contentType, bytes.NewReader(body))
		if std.ParseMultipartForm(1<<20) != nil {
			return // a handler cannot read it: it is not important what was found before the mistake
		}
		want := std.MultipartForm.Value[FieldName]
		switch {
		case err != nil && len(body) < multipartLimit:
			t.Errorf("%q: %v", body, err)
		case got != nil && (len(want) == 0 || string(got) != want[0]):
			t.Errorf("%q: token %q, ParseMultipartForm finds %q", body, got, want)
		case err == nil && len(got) == 0 && len(want) > 0 && want[0] != "" && len(want[0]) <= fieldLimit:
			t.Errorf("%q: no token, ParseMultipartForm finds %q", body, want)
		}
	})
}
