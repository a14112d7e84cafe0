//go:build !unix

package pyramid

import "errors"

// BeakerFiles is type=file, which needs locks that this system does not have.
func BeakerFiles(string) BeakerStorage {
	return BeakerStorage{open: func() (storage, error) {
		return nil, errors.New("pyramid: Beaker's files are locked with flock, which this system does not have")
	}}
}
