/* registry.c - loading plug-ins and finding them by name
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/provider.h"
#include "base/diag.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

enum { MAX_PROVIDERS = 16 };

/* Written only under the lock and only appended to: what find returns stays valid, since libraries are never unloaded. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const mote_provider *loaded[MAX_PROVIDERS];
static size_t n_loaded;

const mote_provider *mote_provider_find(const char *name)
{
    const mote_provider *found = NULL;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < n_loaded && found == NULL; i++)
        if (strcmp(loaded[i]->name, name) == 0)
            found = loaded[i];
    pthread_mutex_unlock(&lock);
    return found;
}

static bool good_name(const char *name)
{
    size_t n = name == NULL ? 0 : strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && n < 64 && name[n] == 0 && strcmp(name, "cpu") != 0;
}

static mote_status check(const mote_provider *p, const char *path, mote_diag *diag)
{
    MOTE_REQUIRE(p != NULL, diag, MOTE_E_PROVIDER, "%s does not serve version %u of the provider interface", path, MOTE_PROVIDER_ABI);
    MOTE_REQUIRE(p->struct_size >= offsetof(mote_provider, profile) && p->abi == MOTE_PROVIDER_ABI, diag, MOTE_E_PROVIDER,
                 "%s serves version %u of the provider interface in %zu bytes, expected version %u", path, p->abi, p->struct_size, MOTE_PROVIDER_ABI);
    MOTE_REQUIRE(good_name(p->name), diag, MOTE_E_PROVIDER, "%s: the provider's name is not lower-case letters, digits and '-', or is 'cpu'", path);
    MOTE_REQUIRE(p->probe != NULL && p->partition != NULL && p->compile != NULL && p->load != NULL && p->unload != NULL && p->bind != NULL &&
                     p->unbind != NULL && p->run != NULL,
                 diag, MOTE_E_PROVIDER, "%s: provider '%s' lacks a function", path, p->name);
    return MOTE_OK;
}

mote_status mote_provider_load(const char *path, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(path != NULL && strchr(path, '/') != NULL, diag, MOTE_E_ARGUMENT,
                 "a plug-in is loaded by a path with a folder, so that no search path decides what runs");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    MOTE_REQUIRE(library != NULL, diag, MOTE_E_IO, "%s", dlerror());
    union { /* ISO C has no conversion from object to function pointers; POSIX gives dlsym's result this meaning */
        void *object;
        mote_provider_get_fn function;
    } get = {dlsym(library, MOTE_PROVIDER_ENTRY)};
    const mote_provider *p = get.object == NULL ? NULL : get.function(MOTE_PROVIDER_ABI);
    mote_status status = get.object == NULL ? mote_fail(diag, MOTE_E_PROVIDER, "%s exports no " MOTE_PROVIDER_ENTRY, path) : check(p, path, diag);
    if (status == MOTE_OK && mote_provider_find(p->name) == p) { /* loaded before */
        dlclose(library);
        return MOTE_OK;
    }
    mote_provider_caps caps = {.struct_size = sizeof caps};
    char message[256] = "";
    if (status == MOTE_OK) {
        status = p->probe(p->ctx, &caps, message, sizeof message);
        message[sizeof message - 1] = 0;
        if (status != MOTE_OK)
            status = mote_fail(diag, MOTE_E_PROVIDER, "provider '%s': %s", p->name, message[0] != 0 ? message : "no device");
    }
    if (status == MOTE_OK) {
        pthread_mutex_lock(&lock);
        bool taken = n_loaded == MAX_PROVIDERS;
        for (size_t i = 0; i < n_loaded && !taken; i++)
            taken = strcmp(loaded[i]->name, p->name) == 0;
        if (taken)
            status = mote_fail(diag, MOTE_E_PROVIDER, "another provider is named '%s', or %d are loaded", p->name, MAX_PROVIDERS);
        else
            loaded[n_loaded++] = p;
        pthread_mutex_unlock(&lock);
    }
    if (status != MOTE_OK)
        dlclose(library);
    return status;
}
