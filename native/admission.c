#include "admission.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256u

int admission_init(struct admission *admission, uint64_t seed) {
    *admission = (struct admission){.seed = seed, .capacity = FIRST_CAPACITY};
    admission->clients = calloc(FIRST_CAPACITY, sizeof(*admission->clients));
    if (admission->clients == NULL) {
        return -ENOMEM;
    }
    pthread_mutex_init(&admission->mutex, NULL);
    return 0;
}

void admission_free(struct admission *admission) {
    free(admission->clients);
    pthread_mutex_destroy(&admission->mutex);
}

/* What tells clients apart: never 0 for an address, 0 for none. */
static uint64_t key_of(const struct ring_endpoint *client) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */
    const uint8_t *address = client->address;
    uint64_t key = 0;
    if (client->family == 4 || (client->family == 6 && memcmp(address, mapped, sizeof(mapped)) == 0)) {
        uint32_t v4;
        memcpy(&v4, address + (client->family == 4 ? 0 : sizeof(mapped)), sizeof(v4));
        return UINT64_C(0xffff) << 48 | v4; /* ffff::/16 is multicast: no client's */
    }
    if (client->family == 6) {
        memcpy(&key, address, sizeof(key));
        return key == 0 ? 1 : key; /* loopback is in ::/64 */
    }
    return 0;
}

static uint32_t place_of(const struct admission *admission, uint64_t key) {
    uint64_t hash = key ^ admission->seed; /* splitmix64's finish */
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(hash ^ (hash >> 31)) & (admission->capacity - 1);
}

/* The client's entry, or the free one where it belongs. */
static struct admission_client *find(const struct admission *admission, uint64_t key) {
    uint32_t place = place_of(admission, key);
    while (admission->clients[place].key != 0 && admission->clients[place].key != key) {
        place = (place + 1) & (admission->capacity - 1);
    }
    return &admission->clients[place];
}

static bool grow(struct admission *admission) {
    struct admission old = *admission;
    struct admission_client *clients = calloc((size_t)old.capacity * 2, sizeof(*clients));
    if (clients == NULL) {
        return false;
    }
    admission->clients = clients;
    admission->capacity = old.capacity * 2;
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.clients[i].key != 0) {
            *find(admission, old.clients[i].key) = old.clients[i];
        }
    }
    free(old.clients);
    return true;
}

/* Takes an entry out; those behind it move up if they would not be found any more. */
static void drop(struct admission *admission, struct admission_client *client) {
    uint32_t mask = admission->capacity - 1;
    uint32_t hole = (uint32_t)(client - admission->clients);
    for (uint32_t next = (hole + 1) & mask; admission->clients[next].key != 0; next = (next + 1) & mask) {
        uint32_t home = place_of(admission, admission->clients[next].key);
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            admission->clients[hole] = admission->clients[next];
            hole = next;
        }
    }
    admission->clients[hole] = (struct admission_client){0};
    admission->client_count--;
}

static enum admission_answer enter_client(struct admission *admission, uint32_t limit, uint64_t key) {
    if (admission->client_count * 2 >= admission->capacity && !grow(admission)) {
        return ADMISSION_FULL;
    }
    struct admission_client *client = find(admission, key);
    if (client->count >= limit) {
        return ADMISSION_CLIENT_FULL;
    }
    admission->client_count += client->key == 0;
    client->key = key;
    client->count++;
    return ADMISSION_GRANTED;
}

enum admission_answer admission_enter(struct admission *admission, const struct admission_limits *limits,
                                      const struct ring_endpoint *client) {
    uint64_t key = key_of(client);
    enum admission_answer answer = ADMISSION_FULL;
    pthread_mutex_lock(&admission->mutex);
    if (admission->open < limits->connections) {
        answer = key == 0 ? ADMISSION_GRANTED : enter_client(admission, limits->of_one_client, key);
    }
    admission->open += answer == ADMISSION_GRANTED;
    pthread_mutex_unlock(&admission->mutex);
    return answer;
}

enum admission_answer admission_name(struct admission *admission, const struct admission_limits *limits,
                                     const struct ring_endpoint *client) {
    uint64_t key = key_of(client);
    if (key == 0) {
        return ADMISSION_GRANTED;
    }
    pthread_mutex_lock(&admission->mutex);
    enum admission_answer answer = enter_client(admission, limits->of_one_client, key);
    pthread_mutex_unlock(&admission->mutex);
    return answer;
}

void admission_leave(struct admission *admission, const struct ring_endpoint *client) {
    uint64_t key = key_of(client);
    pthread_mutex_lock(&admission->mutex);
    admission->open--;
    if (key != 0) {
        struct admission_client *entry = find(admission, key);
        if (--entry->count == 0) {
            drop(admission, entry);
        }
    }
    pthread_mutex_unlock(&admission->mutex);
}
