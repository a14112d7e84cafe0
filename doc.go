// Package scarab gives every visitor of a web application a session.
package scarab
