package admin

import (
	"net/http"
	"strings"
)

// Label is the device and the address that a request comes from, such as
// "Firefox on Linux · 192.0.2.7", for [scarab.Session.SetLabel] where an
// application logs someone in. Of an IPv6 address it has the network.
func Label(r *http.Request) string {
	return device(r.UserAgent()) + labelSeparator + address(r.RemoteAddr)
}

// labelSeparator stands between the device and the address.
const labelSeparator = " · "

// device makes words for people of a User-Agent header, such as "Firefox on
// Linux". It knows the few that most people have; it decides nothing.
func device(userAgent string) string {
	first := func(otherwise string, pairs ...[2]string) string {
		for _, p := range pairs {
			if strings.Contains(userAgent, p[0]) {
				return p[1]
			}
		}
		return otherwise
	}
	// Browsers claim to be their elders: the more particular names come first.
	browser := first("Browser", [2]string{"Edg", "Edge"}, [2]string{"OPR/", "Opera"}, [2]string{"Firefox/", "Firefox"},
		[2]string{"Chrome/", "Chrome"}, [2]string{"CriOS/", "Chrome"}, [2]string{"Safari/", "Safari"}, [2]string{"curl/", "curl"})
	system := first("", [2]string{"Android", "Android"}, [2]string{"iPhone", "iPhone"}, [2]string{"iPad", "iPad"},
		[2]string{"Windows", "Windows"}, [2]string{"Mac OS X", "macOS"}, [2]string{"CrOS", "ChromeOS"}, [2]string{"Linux", "Linux"})
	if system == "" {
		return browser
	}
	return browser + " on " + system
}
