// Package docs holds the documentation to what the programs do. README.md and the pages in docs/ show commands in blocks marked
// sh, and Go in blocks marked go. Each command is run here, in the order of its page and with loopback ports and a directory of
// its own, or is named in elsewhere with the test that runs it; each Go block is compiled. Flags, metrics and files that
// the pages mention exist.
package docs
