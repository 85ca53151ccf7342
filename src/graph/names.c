/* names.c - values by name and scope
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "graph/names.h"

void mote_names_init(mote_names *names, mote_heap *heap) { *names = (mote_names){heap, NULL, 0, 0, mote_hash_key_make(names)}; }

void mote_names_deinit(mote_names *names)
{
    mote_heap_free(names->heap, names->slots, names->cap * sizeof(mote_value *));
    *names = (mote_names){names->heap, NULL, 0, 0, names->key};
}

static size_t start(const mote_names *names, const mote_graph *g, mote_str name)
{
    mote_hash_key key = {names->key.k0 ^ (uint64_t)(uintptr_t)g, names->key.k1};
    return (size_t)mote_str_hash_keyed(key, name) & (names->cap - 1);
}

static mote_value *find_in(const mote_names *names, const mote_graph *g, mote_str name)
{
    if (names->cap == 0)
        return NULL;
    for (size_t i = start(names, g, name); names->slots[i] != NULL; i = (i + 1) & (names->cap - 1))
        if (names->slots[i]->graph == g && mote_str_eq(names->slots[i]->name, name))
            return names->slots[i];
    return NULL;
}

mote_value *mote_names_find(const mote_names *names, const mote_graph *g, mote_str name)
{
    for (; g != NULL; g = g->parent) {
        mote_value *v = find_in(names, g, name);
        if (v != NULL)
            return v;
    }
    return NULL;
}

static void put(mote_names *names, mote_value *v)
{
    size_t i = start(names, v->graph, v->name);
    while (names->slots[i] != NULL)
        i = (i + 1) & (names->cap - 1);
    names->slots[i] = v;
}

static mote_status add(mote_names *names, mote_value *v)
{
    if (names->n >= names->cap / 2) {
        mote_names old = *names;
        names->cap = old.cap == 0 ? 64 : old.cap * 2;
        names->slots = mote_heap_calloc(names->heap, names->cap, sizeof(mote_value *));
        if (names->slots == NULL) {
            *names = old;
            return MOTE_E_MEMORY;
        }
        for (size_t i = 0; i < old.cap; i++)
            if (old.slots[i] != NULL)
                put(names, old.slots[i]);
        mote_heap_free(old.heap, old.slots, old.cap * sizeof(mote_value *));
    }
    put(names, v);
    names->n++;
    return MOTE_OK;
}

/* Found may be v itself, under the name and graph that it had before. */
mote_status mote_names_add(mote_names *names, mote_value *v)
{
    const mote_value *there = mote_names_find(names, v->graph, v->name);
    return there == NULL || there == v ? add(names, v) : MOTE_E_MODEL;
}

mote_status mote_names_shadow(mote_names *names, mote_value *v)
{
    const mote_value *there = find_in(names, v->graph, v->name);
    return there == NULL || there == v ? add(names, v) : MOTE_E_MODEL;
}
