/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IOTLB.  See iotlb.h */
#include "portable.h"
#include "iotlb-lookup.h"

/* Slots: limits, and how far from its place an address space may be */
#define SLOTS_MIN 4096
#define SLOTS_MAX 65536
#define SLOT_WAYS 16

/* Kinds of address space that have slots of their own, in the key */
#define SLOT_HOST (UINT64_C(1) << 62)
#define SLOT_NESTED (UINT64_C(2) << 62)
#define SLOT_GUEST (UINT64_C(3) << 62)

/* Ways of a set by age, the oldest in the lowest bits: none is old yet */
#define QUEUE_AT_FIRST (3 << 6 | 2 << 4 | 1 << 2 | 0)

static uint64_t key_addr(uint64_t key)
{
    return key >> KEY_PAGE_SHIFT << amdvi_tlb_shift(amdvi_tlb_class(key));
}

/*
 * Tables are kept as if each was a page: that of level 1 as one of 2 MiB, for
 * so much it translates, and so on.
 */
bool amdvi_iotlb_find_table(const AmdviIotlb *t, const AmdviSpace *space,
                            uint64_t addr, struct amdvi_table *table)
{
    uint32_t classes = qatomic_read(&t->classes);
    uint64_t word = amdvi_tlb_space(space->domain_id, space->pasid), value;

    for (; classes; classes &= classes - 1) {
        unsigned int class = ctz32(classes);

        if (amdvi_tlb_probe(t, amdvi_tlb_key(space, class, addr), word, 0,
                            &value)) {
            *table = (struct amdvi_table) {
                .addr = value & VALUE_ADDR, .level = (uint8_t)class,
                .perm = value & VALUE_PERM, .user = value & VALUE_USER,
            };
            return true;
        }
    }
    return false;
}

static uint32_t slots_for(uint32_t entries)
{
    return entries < SLOTS_MIN ? SLOTS_MIN
                               : entries < SLOTS_MAX ? entries : SLOTS_MAX;
}

void amdvi_iotlb_init(AmdviIotlb *t, uint32_t entries)
{
    memset(t, 0, sizeof(*t));
    t->sets = entries / AMDVI_IOTLB_WAYS;
    t->set_bits = ctz32(t->sets);
    t->entry = g_new0(AmdviIotlbEntry, entries);
    t->seq = g_new0(uint32_t, t->sets);
    t->queue = g_new0(uint8_t, t->sets);
    memset(t->queue, QUEUE_AT_FIRST, t->sets);
    t->slots = slots_for(entries);
    t->slot_key = g_new0(uint64_t, t->slots);
    t->slot_flushed = g_new0(uint32_t, t->slots);
    t->slot_filled = g_new0(uint32_t, t->slots);
    t->slot_widen = g_new0(uint8_t, t->slots);
    t->time = 1;
}

void amdvi_iotlb_free(AmdviIotlb *t)
{
    g_free(t->entry);
    g_free(t->seq);
    g_free(t->queue);
    g_free(t->slot_key);
    g_free(t->slot_flushed);
    g_free(t->slot_filled);
    g_free(t->slot_widen);
    g_free(t->stale_since);
}

/* Between amdvi_seq_begin() and amdvi_seq_end() of its set */
static void store_entry(AmdviIotlbEntry *entry, const AmdviIotlbEntry *new)
{
    qatomic_store_release(&entry->key, new->key);
    qatomic_store_release(&entry->space, new->space);
    qatomic_store_release(&entry->value, new->value);
    qatomic_store_release(&entry->life, new->life);
}

/*
 * What becomes of the queue of a set when put_home() has moved an entry: @home
 * is the newest, what was there is as old as it was, @way has gone
 */
static uint8_t requeue(uint8_t queue, unsigned int home, unsigned int way)
{
    unsigned int kept = 0, shift = 0;

    for (unsigned int i = 0; i < AMDVI_IOTLB_WAYS; i++) {
        unsigned int next = queue & (AMDVI_IOTLB_WAYS - 1);

        queue >>= AMDVI_IOTLB_WAY_BITS;
        if (next != way) {
            kept |= (next == home ? way : next) << shift;
            shift += AMDVI_IOTLB_WAY_BITS;
        }
    }
    return (uint8_t)(kept | home << shift);
}

/* Put a new entry where it is looked for first, the one there at @way */
static void put_home(AmdviIotlb *t, AmdviTlbPlace place, unsigned int way,
                     const AmdviIotlbEntry *new)
{
    uint32_t first = place.set * AMDVI_IOTLB_WAYS;
    uint32_t home = first + place.home, to = first + way;

    amdvi_seq_begin(&t->seq[place.set]);
    store_entry(&t->entry[to], &t->entry[home]);
    if (t->stale_since) {
        t->stale_since[to] = t->stale_since[home];
    }
    store_entry(&t->entry[home], new);
    amdvi_seq_end(&t->seq[place.set]);
    t->queue[place.set] = requeue(t->queue[place.set], place.home, way);
}

static void clear_entry(AmdviIotlb *t, uint32_t set, unsigned int way)
{
    static const AmdviIotlbEntry none;

    amdvi_seq_begin(&t->seq[set]);
    store_entry(&t->entry[set * AMDVI_IOTLB_WAYS + way], &none);
    amdvi_seq_end(&t->seq[set]);
}

/*
 * Time has run out: begin anew with nothing cached.  Entries go before the
 * slots that say they are stale; a reader that saw an entry notices by the
 * sequence of its set.
 */
static void restart_time(AmdviIotlb *t)
{
    for (uint32_t set = 0; set < t->sets; set++) {
        for (unsigned int way = 0; way < AMDVI_IOTLB_WAYS; way++) {
            clear_entry(t, set, way);
        }
    }
    for (uint32_t slot = 0; slot < t->slots; slot++) {
        qatomic_store_release(&t->slot_flushed[slot], 0);
        t->slot_filled[slot] = 0;
    }
    qatomic_store_release(&t->flushed, 0);
    qatomic_store_release(&t->time, 1);
}

/* A flush happens now: fills that began earlier come too late */
static uint32_t tick(AmdviIotlb *t)
{
    if (t->time == UINT32_MAX) {
        restart_time(t);
    }
    qatomic_store_release(&t->time, t->time + 1);
    return t->time;
}

/* First of the slots where an address space may be */
static uint32_t slot_group(const AmdviIotlb *t, uint64_t key)
{
    return (uint32_t)(amdvi_hash(key) >> 32) & (t->slots - 1) &
           ~(uint32_t)(SLOT_WAYS - 1);
}

/* The slot of an address space, or -1 if nothing of it is cached */
static int find_slot(const AmdviIotlb *t, uint64_t key)
{
    uint32_t group = slot_group(t, key);

    for (uint32_t slot = group; slot < group + SLOT_WAYS; slot++) {
        if (t->slot_key[slot] == key) {
            return (int)slot;
        }
    }
    return -1;
}

static void flush_slot(AmdviIotlb *t, uint32_t slot)
{
    qatomic_store_release(&t->slot_flushed[slot], tick(t));
    t->slot_widen[slot] = 0;
}

/* Whether anything that depends on this slot may still be cached */
static bool slot_in_use(const AmdviIotlb *t, uint32_t slot)
{
    return t->slot_filled[slot] >= t->slot_flushed[slot] &&
           t->slot_filled[slot] >= t->flushed;
}

/* Of the slots for @key one that is free, or the one used least recently */
static uint32_t choose_slot(const AmdviIotlb *t, uint64_t key, int keep)
{
    uint32_t group = slot_group(t, key);
    int best = -1;

    for (uint32_t slot = group; slot < group + SLOT_WAYS; slot++) {
        if ((int)slot == keep) {
            continue;
        }
        if (!t->slot_key[slot] || !slot_in_use(t, slot)) {
            return slot;
        }
        if (best < 0 || t->slot_filled[slot] < t->slot_filled[best]) {
            best = (int)slot;
        }
    }
    return (uint32_t)best;
}

/*
 * The slot of an address space, which gets one if it has none.  @keep: a slot
 * that must not be given away for it, or -1.
 */
static uint32_t get_slot(AmdviIotlb *t, uint64_t key, int keep)
{
    int found = find_slot(t, key);
    uint32_t slot = found >= 0 ? (uint32_t)found : choose_slot(t, key, keep);

    if (found < 0 && t->slot_key[slot]) {
        t->count.displaced += slot_in_use(t, slot);
        flush_slot(t, slot);
    }
    t->slot_key[slot] = key;
    t->slot_filled[slot] = t->time;
    return slot;
}

static uint64_t host_key(uint16_t domain_id)
{
    return SLOT_HOST | domain_id;
}

static uint64_t nested_key(uint16_t domain_id)
{
    return SLOT_NESTED | domain_id;
}

static uint64_t guest_key(uint16_t domain_id, uint32_t pasid)
{
    return SLOT_GUEST | amdvi_tlb_space(domain_id, pasid);
}

/* Slots of the address space, the time, and how large its pages may be */
static uint64_t make_life(AmdviIotlb *t, const AmdviSpace *space,
                          uint8_t widen)
{
    uint32_t slot = get_slot(t, space->guest
                                ? guest_key(space->domain_id, space->pasid)
                                : host_key(space->domain_id), -1);
    uint32_t slot2 = space->nested
                     ? get_slot(t, nested_key(space->domain_id), (int)slot)
                     : slot;

    if (t->slot_widen[slot] < widen) {
        t->slot_widen[slot] = widen;
    }
    return (uint64_t)t->time << LIFE_TIME_SHIFT |
           (uint64_t)slot2 << LIFE_SLOT2_SHIFT | slot;
}

/* Of an entry that is to go: the same page, a free one, or the oldest */
static unsigned int choose_way(AmdviIotlb *t, AmdviTlbPlace place,
                               uint64_t key, uint64_t space)
{
    const AmdviIotlbEntry *ways = &t->entry[place.set * AMDVI_IOTLB_WAYS];
    unsigned int free_way = AMDVI_IOTLB_WAYS;

    for (unsigned int i = 0; i < AMDVI_IOTLB_WAYS; i++) {
        unsigned int way = place.home ^ i;
        const AmdviIotlbEntry *e = &ways[way];

        if (e->key == key && e->space == space) {
            return way;
        }
        if (free_way == AMDVI_IOTLB_WAYS &&
            (!(e->key & KEY_VALID) || !amdvi_tlb_alive(t, e->life))) {
            free_way = way;
        }
    }
    if (free_way < AMDVI_IOTLB_WAYS) {
        return free_way;
    }
    t->count.replaced++;
    return t->queue[place.set] & (AMDVI_IOTLB_WAYS - 1);
}

/* The largest size in which pages of this one are kept */
static unsigned int class_of(unsigned int page_shift)
{
    unsigned int class = CLASSES - 1;

    while (amdvi_tlb_shift(class) > page_shift) {
        class--;
    }
    return class;
}

static uint64_t make_value(const struct amdvi_result *result,
                           unsigned int class)
{
    uint64_t offset = (UINT64_C(1) << amdvi_tlb_shift(class)) - 1;

    return (result->addr & VALUE_ADDR & ~offset) | result->perm |
           result->untranslated_only * VALUE_UNTRANSLATED |
           result->force_coherent * VALUE_COHERENT |
           result->global * VALUE_GLOBAL | VALUE_SOUND;
}

static AmdviSpace space_of(const struct amdvi_result *result)
{
    return (AmdviSpace) {
        .domain_id = result->domain_id,
        .guest = result->guest,
        .nested = result->nested,
        .priv = result->priv,
        .pasid = result->guest ? result->pasid : 0,
    };
}

/* log2 of the page that is kept in pieces, or 0 if it is kept whole */
static uint8_t cut_from(const struct amdvi_result *result,
                        unsigned int class)
{
    uint8_t shift = result->page_shift;

    if (result->nested && result->guest_shift > shift) {
        shift = result->guest_shift;
    }
    return shift > amdvi_tlb_shift(class) ? shift : 0;
}

/* Keep @value for a page, unless a flush has overtaken what began at @begin */
static void insert(AmdviIotlb *t, uint32_t begin, const AmdviSpace *space,
                   unsigned int class, uint64_t addr, uint64_t value,
                   uint8_t widen)
{
    AmdviIotlbEntry new;
    AmdviTlbPlace place;

    if (begin != t->time) {
        t->count.refused++;
        return;
    }
    new.key = amdvi_tlb_key(space, class, addr);
    new.space = amdvi_tlb_space(space->domain_id, space->pasid);
    new.value = value;
    new.life = make_life(t, space, widen);
    place = amdvi_tlb_place(t, new.key, new.space);
    qatomic_set(&t->classes, t->classes | 1u << class);
    put_home(t, place, choose_way(t, place, new.key, new.space), &new);
    t->count.fills++;
}

void amdvi_iotlb_insert(AmdviIotlb *t, uint32_t begin, uint64_t addr,
                        const struct amdvi_result *result)
{
    AmdviSpace space = space_of(result);
    unsigned int class;

    if (result->outcome != AMDVI_OUTCOME_TRANSLATED ||
        result->page_shift < amdvi_tlb_shift(0) || result->page_shift > 63 ||
        !result->perm) {
        return;
    }
    class = class_of(result->page_shift);
    insert(t, begin, &space, class, addr, make_value(result, class),
           cut_from(result, class));
}

void amdvi_iotlb_insert_table(AmdviIotlb *t, uint32_t begin,
                              const AmdviSpace *space, uint64_t addr,
                              const struct amdvi_table *table)
{
    insert(t, begin, space, table->level, addr,
           (table->addr & VALUE_ADDR) | table->perm |
           table->user * VALUE_USER, 0);
}

void amdvi_iotlb_overtake(AmdviIotlb *t)
{
    tick(t);
}

void amdvi_iotlb_flush_all(AmdviIotlb *t)
{
    t->count.flushes++;
    qatomic_store_release(&t->flushed, tick(t));
    qatomic_set(&t->classes, 0);
    qatomic_set(&t->doubted, false);
}

/* Drop the translations of one page, whatever kind they are */
static void drop_page(AmdviIotlb *t, uint64_t key, uint64_t space)
{
    uint32_t set = amdvi_tlb_place(t, key, space).set;
    const AmdviIotlbEntry *way = &t->entry[set * AMDVI_IOTLB_WAYS];

    for (unsigned int i = 0; i < AMDVI_IOTLB_WAYS; i++) {
        if ((way[i].key & KEY_FLUSH) == key && way[i].space == space) {
            clear_entry(t, set, i);
        }
    }
}

static bool overlaps(struct amdvi_range range, uint64_t addr,
                     unsigned int shift)
{
    uint64_t last = addr | ((UINT64_C(1) << shift) - 1);

    return addr <= range.base + (range.size - 1) && last >= range.base;
}

/* Look at every entry: cheaper than at every page of a large range */
static void sweep(AmdviIotlb *t, uint64_t guest, uint64_t space,
                  struct amdvi_range range)
{
    for (uint32_t i = 0; i < amdvi_iotlb_entries(t); i++) {
        const AmdviIotlbEntry *e = &t->entry[i];

        if (e->space == space && e->key & KEY_VALID &&
            (e->key & KEY_GUEST) == guest &&
            overlaps(range, key_addr(e->key),
                     amdvi_tlb_shift(amdvi_tlb_class(e->key)))) {
            clear_entry(t, i / AMDVI_IOTLB_WAYS, i % AMDVI_IOTLB_WAYS);
        }
    }
}

/* Pages of this size that @range touches */
static uint64_t pages_in(struct amdvi_range range, unsigned int class)
{
    uint64_t pages = range.size >> amdvi_tlb_shift(class);

    return pages ? pages : 1;
}

static void drop_pages(AmdviIotlb *t, uint64_t guest, uint64_t space,
                       struct amdvi_range range, unsigned int class)
{
    AmdviSpace kind = { .guest = guest };

    for (uint64_t i = 0; i < pages_in(range, class); i++) {
        uint64_t addr = range.base + (i << amdvi_tlb_shift(class));

        drop_page(t, amdvi_tlb_key(&kind, class, addr), space);
    }
}

/* The aligned range of at least 2^@shift bytes around @range */
static struct amdvi_range widen(struct amdvi_range range, unsigned int shift)
{
    uint64_t size = UINT64_C(1) << shift;

    if (range.size < size) {
        range.base &= ~(size - 1);
        range.size = size;
    }
    return range;
}

static void flush_range(AmdviIotlb *t, uint64_t guest, uint64_t space,
                        struct amdvi_range range)
{
    uint64_t probes = 0;

    for (uint32_t left = t->classes; left; left &= left - 1) {
        probes += pages_in(range, ctz32(left));
    }
    if (probes > t->sets) {
        sweep(t, guest, space, range);
        return;
    }
    for (uint32_t left = t->classes; left; left &= left - 1) {
        drop_pages(t, guest, space, range, ctz32(left));
    }
}

/* Drop @range of the address space that owns the slot @key */
static void flush_space(AmdviIotlb *t, uint64_t key, uint64_t guest,
                        uint64_t space, struct amdvi_range range)
{
    int slot = find_slot(t, key);

    t->count.flushes++;
    if (slot < 0) {
        tick(t);
    } else if (!range.size) {
        flush_slot(t, (uint32_t)slot);
    } else {
        tick(t);
        flush_range(t, guest, space, widen(range, t->slot_widen[slot]));
    }
}

void amdvi_iotlb_flush_nested(AmdviIotlb *t, uint16_t domain_id)
{
    int nested = find_slot(t, nested_key(domain_id));

    if (nested >= 0) {
        flush_slot(t, (uint32_t)nested);
    }
}

void amdvi_iotlb_flush_host(AmdviIotlb *t, uint16_t domain_id,
                            struct amdvi_range range)
{
    amdvi_iotlb_flush_nested(t, domain_id);
    flush_space(t, host_key(domain_id), 0, amdvi_tlb_space(domain_id, 0),
                range);
}

void amdvi_iotlb_flush_guest(AmdviIotlb *t, uint16_t domain_id,
                             uint32_t pasid, struct amdvi_range range)
{
    flush_space(t, guest_key(domain_id, pasid), KEY_GUEST,
                amdvi_tlb_space(domain_id, pasid), range);
}

static AmdviSpace space_of_entry(const AmdviIotlbEntry *e)
{
    return (AmdviSpace) {
        .domain_id = (uint16_t)e->space,
        .guest = e->key & KEY_GUEST,
        .nested = e->key & KEY_NESTED,
        .priv = e->key & KEY_PRIV,
        .pasid = (uint32_t)(e->space >> SPACE_PASID_SHIFT),
    };
}

bool amdvi_iotlb_copy(const AmdviIotlb *t, uint32_t index,
                      AmdviIotlbCopy *copy)
{
    const AmdviIotlbEntry *from = &t->entry[index];
    const uint32_t *seq = &t->seq[index / AMDVI_IOTLB_WAYS];
    uint32_t start = qatomic_load_acquire(seq);
    AmdviIotlbEntry e = {
        .key = qatomic_load_acquire(&from->key),
        .space = qatomic_load_acquire(&from->space),
        .value = qatomic_load_acquire(&from->value),
        .life = qatomic_load_acquire(&from->life),
    };

    if (!(e.key & KEY_VALID) || !amdvi_tlb_alive(t, e.life) || start & 1 ||
        qatomic_read(seq) != start) {
        return false;
    }
    copy->space = space_of_entry(&e);
    copy->addr = key_addr(e.key);
    copy->life = e.life;
    amdvi_tlb_hit(e.key, e.value, copy->addr, &copy->out);
    return true;
}

/* Whether @e is what @copy was made of */
static bool is_copied(const AmdviIotlbEntry *e, const AmdviIotlbCopy *copy)
{
    unsigned int class = class_of(copy->out.page_shift);

    return e->key == amdvi_tlb_key(&copy->space, class, copy->addr) &&
           e->space == amdvi_tlb_space(copy->space.domain_id,
                                       copy->space.pasid) &&
           (e->value & VALUE_ADDR) == copy->out.addr && e->life == copy->life;
}

/*
 * One word changes, in a bit that says nothing of the others: readers need no
 * new sequence for that.
 */
static void set_sound(AmdviIotlbEntry *e, bool sound)
{
    qatomic_store_release(&e->value, sound ? e->value | VALUE_SOUND
                                           : e->value & ~VALUE_SOUND);
}

void amdvi_iotlb_judge(AmdviIotlb *t, uint32_t index,
                       const AmdviIotlbCopy *copy, int64_t stale_since)
{
    AmdviIotlbEntry *e = &t->entry[index];

    if (!is_copied(e, copy) || (!stale_since && !t->stale_since)) {
        return;
    }
    if (!t->stale_since) {
        t->stale_since = g_new0(int64_t, amdvi_iotlb_entries(t));
    }
    t->stale_since[index] = stale_since;
    set_sound(e, !stale_since);
    if (stale_since) {
        qatomic_set(&t->doubted, true);
    }
}

bool amdvi_iotlb_lookup_any(AmdviIotlb *t, const AmdviSpace *space,
                            uint64_t addr, uint8_t need, AmdviIotlbHit *hit,
                            int64_t *stale_since)
{
    const AmdviIotlbEntry *found = amdvi_tlb_lookup(t, space, addr, need, hit);
    uint32_t index;

    *stale_since = 0;
    if (found && need && !(found->value & VALUE_SOUND)) {
        index = (uint32_t)(found - t->entry);
        *stale_since = t->stale_since[index];
        set_sound(&t->entry[index], true);
    }
    return found != NULL;
}
