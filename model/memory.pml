/*
 * Weak memory for the models: words, and one store buffer per thread role.
 *
 * A store goes into the writer's buffer and reaches memory when that buffer's flusher moves it. Stores with release order
 * reach memory only after every older store of the same thread; relaxed ones may overtake anything except an older store
 * to the same word. (Random receive takes the oldest message that matches, so stores to one word stay in order.)
 * A full fence waits until the writer's own buffer is empty, so a later load cannot be satisfied before an earlier store
 * is visible. An exchange acts on memory itself and has release order for what came before it.
 * This covers x86 (buffers in order) and what arm64 adds for stores; loads are in order, as acquire loads are.
 *
 * The including model defines WORDS, DEPTH and FLUSH_OVERTAKING(sb): the guarded moves of relaxed words.
 */
byte mem[WORDS];

#define STORE(sb, word, value) sb!word,value
#define FENCE(sb) empty(sb)
#define XCHG0(sb, word, old) atomic { empty(sb) -> old = mem[word]; mem[word] = 0 }

proctype Flush(chan sb) {
    byte word, value;
end:
    do
    :: atomic { sb?word,value -> mem[word] = value }
#ifndef TSO
    FLUSH_OVERTAKING(sb)
#endif
    od
}

/* The wake-up socket: it holds one byte here, so that EAGAIN ("a wake-up is already on its way") happens often. */
#define SIGNAL(sock) sock = 1
#define DRAIN(sock) sock = 0
