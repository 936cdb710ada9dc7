// Package owin tests the rules of package rules: every case behind a real gateway, with a worker as a process of its own,
// and, unless a case needs more than a request, without a gateway, too.
package owin
