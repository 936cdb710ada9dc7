// Package abuse attacks a real gateway with hostile clients: they are slow, vanish at any moment, send heads and bodies
// without end, flood, and do not read what they asked for.
//
// Each attack comes in rounds that are all the same, with honest clients beside it whose every answer is checked. What
// gateway and worker hold after the first round (descriptors, blocks, exchanges, memory, goroutines) is what they may
// hold after the last. Small rounds are part of the ordinary tests; with the build tag stress there are large ones.
package abuse
