package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// sabotage are the ways to destroy something, for as long as the process lives.
var sabotage = map[string]func(*rand.Rand){
	"words":  inBursts(word),
	"bytes":  inBursts(flip),
	"holes":  inBursts(hole),
	"socket": saturate,
	"files":  inBursts(descriptor),
}

func methods() (names []string) {
	for name := range sabotage {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// segment is where the outbound segment, which the gateway reads, is mapped.
type segment struct {
	memory     *os.File
	start, end uint64
}

// inBursts calls destroy in random bursts.
func inBursts(destroy func(*rand.Rand, segment)) func(*rand.Rand) {
	return func(random *rand.Rand) {
		s := attached()
		for {
			time.Sleep(time.Duration(random.IntN(20)) * time.Millisecond)
			for range 1 + random.IntN(200) {
				destroy(random, s)
			}
		}
	}
}

// attached waits until the worker has its segments.
func attached() segment {
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	for ; ; time.Sleep(time.Millisecond) {
		maps, err := os.Open("/proc/self/maps")
		if err != nil {
			panic(err)
		}
		for lines := bufio.NewScanner(maps); lines.Scan(); {
			var start, end uint64
			var rights string
			if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &start, &end, &rights); n == 3 && rights == "rw-s" && strings.Contains(lines.Text(), "memfd:") {
				_ = maps.Close()
				return segment{memory, start, end}
			}
		}
		_ = maps.Close()
	}
}

// place is an offset that is likely to matter: indexes, claim words and events lie before the arena.
func (s segment) place(random *rand.Rand) uint64 {
	size := s.end - s.start
	return s.start + random.Uint64N(size>>(4*random.UintN(4)))
}

// word writes a number that might pass for an index, an offset or a handle.
func word(random *rand.Rand, s segment) {
	at := int64(s.place(random) &^ 7)
	var b [8]byte
	_, _ = s.memory.ReadAt(b[:], at)
	old := binary.LittleEndian.Uint64(b[:])
	value := []uint64{random.Uint64(), 0, old + 1, old - 1, old + uint64(random.IntN(64)), random.Uint64N(1 << 16), ^uint64(0), old ^ 1<<random.UintN(64)}
	binary.LittleEndian.PutUint64(b[:], value[random.IntN(len(value))])
	_, _ = s.memory.WriteAt(b[:], at)
}

// flip changes one bit.
func flip(random *rand.Rand, s segment) {
	at := int64(s.place(random))
	var b [1]byte
	_, _ = s.memory.ReadAt(b[:], at)
	b[0] ^= 1 << random.UintN(8)
	_, _ = s.memory.WriteAt(b[:], at)
}

// hole takes pages away; they read as zero afterwards.
func hole(random *rand.Rand, s segment) {
	const page = 4096
	at := s.place(random) &^ (page - 1)
	length := min(s.end-at, page<<random.UintN(6))
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(at), uintptr(length), unix.MADV_REMOVE)
}

// descriptor sends descriptors of anything over the wake-up sockets, one or many at a time; events that name them come
// from nobody, or from words.
func descriptor(random *rand.Rand, s segment) {
	pipe := make([]int, 2)
	if unix.Pipe2(pipe, unix.O_CLOEXEC) != nil {
		return
	}
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	all := append(pipe, null, int(s.memory.Fd()))
	for fd := range 64 {
		if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
			continue
		}
		for range 1 + random.IntN(8) {
			rights := unix.UnixRights(all[random.IntN(len(all))])
			if random.IntN(64) == 0 {
				rights = unix.UnixRights(all...)
			}
			_ = unix.Sendmsg(fd, make([]byte, 1+random.IntN(600)), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}
	}
	for _, fd := range all[:3] {
		_ = unix.Close(fd)
	}
	if random.IntN(4) == 0 {
		word(random, s)
	}
}

// saturate makes the wake-up sockets block and keeps them full.
func saturate(random *rand.Rand) {
	attached()
	var junk [64]byte
	for {
		for fd := range 64 {
			if kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_STREAM {
				continue
			}
			_ = unix.SetNonblock(fd, false)
			for unix.Send(fd, junk[:1+random.IntN(64)], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) == nil {
			}
		}
		time.Sleep(time.Duration(random.IntN(500)) * time.Microsecond)
	}
}
