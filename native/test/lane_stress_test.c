/*
 * Both ends of a lane in two threads that sleep for real: exchanges of random sizes with random cancels, small rings, tight arenas.
 * Every byte is checked on both sides, every request runs once at most, and a sleep that nobody ends is a failure.
 * STRESS_EXCHANGES sets how many exchanges each case has.
 * Links: exchange.c dispatch.c dispatch_stuck.c pool.c request_block.c lane*.c arena.c
 * Links: ring_geometry.c test/worker_mirror.c
 */
#include "lane_stress_gateway.h"
#include "lane_stress_worker.h"

/* Both sleep, or the other one is about to say the same. */
static void lost(const char *who) {
    const struct lane *lane = &rig.lanes[0].lane;
    fprintf(stderr, "%s: the %s slept %d ms with work to do: a wake-up was lost\n", setup->name, who, LOST_MS);
    fprintf(stderr, "lane: open %u free %u ended %u starved %u uncredited %u wanting %u parked %u held %u\n",
            lane->open_count, lane->free_count, lane->ended_count, lane->starved_count, lane->uncredited_count,
            lane->wanting_count, rig.dispatch.parked_count, lane->held_blocks);
    for (uint32_t i = 0; i < setup->exchanges; i++) {
        const struct lane_slot *slot = &lane->slots[i];
        const struct job *job = &worker.jobs[i];
        fprintf(stderr, "%u: gateway: state %u share %u window %u spent %u pending %u wanted %u lent %u\n", i,
                slot->state, slot->share, slot->window, slot->spent, slot->pending, slot->wanted, slot->lent);
        fprintf(stderr, "%u: worker: state %u id %u window %u wanting %u read %u of %u%s sent %u of %u ready %u\n", i,
                (unsigned)job->state, job->id, job->window, job->wanting, job->read, job->plan.request,
                job->read_all ? " (all)" : "", job->sent, job->plan.answer, job->has_ready);
    }
    _Exit(EXIT_FAILURE);
}

static void check_runs(void) {
    for (uint32_t id = 0; id < total; id++) {
        unsigned n = atomic_load(&runs[id]);
        switch (gateway.results[id]) {
        case COMPLETE:
        case ABORTED:
            CHECK_UINT(n, 1);
            break;
        case EXPIRED:
            CHECK_UINT(n, 0);
            break;
        default:
            CHECK_UINT(gateway.results[id], CANCELLED);
            CHECK(n <= 1);
            break;
        }
    }
}

static void stress(const struct setup *s) {
    pthread_t thread;
    setup = s;
    memset(&gateway, 0, sizeof(gateway));
    memset(&worker, 0, sizeof(worker));
    gateway.random = seed ^ 1;
    worker.random = seed ^ 2;
    gateway.results = calloc(total, 1);
    runs = calloc(total, sizeof(*runs));
    atomic_store(&answered, false);
    atomic_store(&worker_ended, false);
    rig_open(0, 2 * CLIENTS);
    rig_add_lane(s->slots, s->exchanges, s->units);
    worker.worker = &rig.workers[0];
    if (gateway.results == NULL || runs == NULL || pthread_create(&thread, NULL, run_worker, NULL) != 0) {
        abort();
    }
    run_gateway();
    (void)pthread_join(thread, NULL);
    if (test_faults == 0) {
        clients_flush(true);
        rig_swallow(0); /* CREDIT that crossed the last event, and is owed a look before its slot is free */
        rig_close();
        check_runs();
    }
    const struct lane_counters *n = &rig.lanes[0].lane.counters;
    printf("%s: %u complete, %u aborted, %u cancelled, %u expired; slept %" PRIu64 " and %" PRIu64 ", signals %" PRIu64
           " and %" PRIu64 ", wants %" PRIu64 ", starved %" PRIu64 ", stalls %" PRIu64 ", parked up to %" PRIu64 "\n",
           s->name, gateway.outcomes[COMPLETE], gateway.outcomes[ABORTED], gateway.outcomes[CANCELLED],
           gateway.outcomes[EXPIRED], gateway.sleeps, worker.sleeps, counter_get(&n->wakeups_sent),
           rig.workers[0].signals, worker.wants, worker.starvations, counter_get(&n->full_stalls),
           counter_get(&rig.dispatch.counters.parked_high_water));
    CHECK(gateway.sleeps + worker.sleeps != 0);
    free(gateway.results);
    free(runs);
}

#define STRESS(title, ...)                                           \
    static void test_##title(void) {                                 \
        static const struct setup s = {.name = #title, __VA_ARGS__}; \
        stress(&s);                                                  \
    }

/* One at a time: no later event hides that a wake-up was lost. */
STRESS(alone, .slots = 16, .exchanges = 4, .units = 64, .open = 1, .running = 1, .largest = 60000, .share = 64)
STRESS(one_slot, .slots = 4, .exchanges = 1, .units = 64, .open = 3, .running = 1, .largest = 60000, .share = 64)
STRESS(tight, .slots = 16, .exchanges = 4, .units = 64, .open = 6, .running = 4, .largest = MAX_BODY, .share = 256)
STRESS(few_handlers, .slots = 32, .exchanges = 8, .units = 64, .open = 12, .running = 2, .largest = 40000, .share = 128)
STRESS(many, .slots = 64, .exchanges = 16, .units = 256, .open = 20, .running = 16, .largest = 40000, .share = 128)
STRESS(cancels, .slots = 16, .exchanges = 4, .units = 64, .open = 8, .running = 2, .largest = 20000, .share = 8)
STRESS(deadlines, .slots = 16, .exchanges = 4, .units = 64, .open = 8, .running = 2, .largest = 20000, .share = 64,
       .expire = true)

int main(void) {
    const char *text = getenv("STRESS_EXCHANGES");
    total = text != NULL ? (uint32_t)strtoul(text, NULL, 0) : 5000;
    seed = test_seed();
    for (uint32_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7 + i / 251);
    }
    RUN(test_alone);
    RUN(test_one_slot);
    RUN(test_tight);
    RUN(test_few_handlers);
    RUN(test_many);
    RUN(test_cancels);
    RUN(test_deadlines);
    return test_report();
}
