package admin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
)

// parseForm reads what was sent into v.form and v.files, within the bounds of
// Config.MaxUpload. Fields are read one by one: a table may have more columns
// than [http.Request.ParseMultipartForm] takes parts, and nothing is to be left
// on the disk. The names of files are not used for anything.
func (v *visit) parseForm() error {
	if v.form != nil {
		return nil
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, v.h.cfg.MaxUpload)
	reader, err := v.r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		if err := v.r.ParseForm(); err != nil {
			return v.halfSent(err)
		}
		v.form = v.r.PostForm
		return nil
	}
	if err != nil {
		return v.halfSent(err)
	}
	v.form, v.files = url.Values{}, map[string][]byte{}
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return v.halfSent(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return v.halfSent(err)
		}
		_, file := part.Header["Content-Type"] // browsers send it with files only
		switch name := part.FormName(); {
		case !file && part.FileName() == "":
			v.form.Add(name, string(content))
		case part.FileName() != "":
			v.files[name] = content
		}
	}
}

func (v *visit) halfSent(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &problem{status: http.StatusBadRequest, text: v.t("The form did not arrive whole. Please send it again.")}
}
