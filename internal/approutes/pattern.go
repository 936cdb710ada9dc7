package approutes

const patternAlphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

// pattern is what /bytes answers with, repeated: its length is a multiple of the alphabet's, so that byte i of any answer
// is patternAlphabet[i%64].
var pattern = func() []byte {
	p := make([]byte, 1<<20)
	for i := range p {
		p[i] = patternAlphabet[i%len(patternAlphabet)]
	}
	return p
}()

// patternAt returns at most n bytes of the endless pattern, from byte offset on.
func patternAt(offset, n int64) []byte {
	from := offset % int64(len(patternAlphabet))
	return pattern[from:min(from+n, int64(len(pattern)))]
}

// fill sends n bytes of the pattern through b.
func fill(b BlockWriter, n int64) error {
	const step = 64 << 10
	for sent := int64(0); sent < n; {
		room, err := b.Reserve(int(min(n-sent, step)))
		if err != nil {
			return err
		}
		k := copy(room, patternAt(sent, n-sent))
		if err := b.Commit(k); err != nil {
			return err
		}
		sent += int64(k)
	}
	return nil
}
