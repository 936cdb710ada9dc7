// Package swap replaces, kills and breaks workers under load, with real processes, and checks every byte of every answer:
// no client may notice.
package swap
