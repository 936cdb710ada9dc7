package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const sizeType = "SIZE"

// size is a number of bytes on the command line: digits, with KiB, MiB or GiB behind them if wanted.
type size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// Set reads a size.
func (s *size) Set(text string) error {
	number, factor := text, int64(1)
	for _, unit := range sizeUnits {
		if prefix, found := strings.CutSuffix(text, unit.suffix); found {
			number, factor = prefix, unit.bytes
			break
		}
	}
	value, err := strconv.ParseInt(number, 10, 64)
	if err != nil || value < 0 || value > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size", text)
	}
	*s = size(value * factor)
	return nil
}

// String writes the size in the largest unit that divides it.
func (s *size) String() string {
	value := int64(*s)
	for _, unit := range sizeUnits[:3] {
		if value != 0 && value%unit.bytes == 0 {
			return strconv.FormatInt(value/unit.bytes, 10) + unit.suffix
		}
	}
	return strconv.FormatInt(value, 10)
}

// Type names the kind of value in the help text.
func (s *size) Type() string { return sizeType }
