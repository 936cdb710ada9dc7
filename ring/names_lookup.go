package ring

// Canonical is the name as a net/http header key; "" for NameOther and numbers this version does not know.
func (n Name) Canonical() string {
	if n >= NameCount {
		return ""
	}
	return canonicalNames[n]
}

// Lower is the name in lower case; "" for NameOther and numbers this version does not know.
func (n Name) Lower() string {
	if n >= NameCount {
		return ""
	}
	return lowerNames[n]
}

// nameBuckets maps a hash of length, first and last letters to the names that share it.
var nameBuckets [256][]Name

func init() {
	for n := NameOther + 1; n < NameCount; n++ {
		h := nameHash(lowerNames[n])
		nameBuckets[h] = append(nameBuckets[h], n)
	}
}

// nameHash looks at bytes that tell the well-known names apart; |0x20 folds the case of letters.
func nameHash[T string | []byte](s T) uint8 {
	n := len(s)
	return uint8(n)*31 ^ (s[0]|0x20)*7 ^ (s[n-1]|0x20)*59 ^ (s[n/2]|0x20)*13
}

// LookupName finds the number of a field name in any case; NameOther if it is not well known. It does not allocate.
func LookupName[T string | []byte](s T) Name {
	if len(s) < 2 {
		return NameOther
	}
	for _, n := range nameBuckets[nameHash(s)] {
		if string(s) == canonicalNames[n] || equalFold(s, lowerNames[n]) {
			return n
		}
	}
	return NameOther
}

// equalFold compares s with a name that is in lower case; only letters fold.
func equalFold[T string | []byte](s T, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
