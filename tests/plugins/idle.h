/* idle.h - a whole plug-in that takes nothing, for those that are refused for one reason: IDLE_NAME and IDLE_PROBE (what probe returns) come first
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>
#include <stddef.h>
#include <stdio.h>

static mote_status probe(void *ctx, mote_provider_caps *caps, char *message, size_t cap)
{
    (void)ctx, (void)caps;
    snprintf(message, cap, "nothing is plugged in");
    return IDLE_PROBE;
}

static mote_status partition(void *ctx, const mote_view *graph, const mote_view_api *api, uint8_t *claim, size_t n, char *message, size_t cap)
{
    (void)ctx, (void)graph, (void)api, (void)claim, (void)n, (void)message, (void)cap;
    return MOTE_OK;
}

static mote_status compile(void *ctx, const mote_view *group, const mote_view_api *api, mote_blob_write write, void *write_ctx, char *message, size_t cap)
{
    (void)ctx, (void)group, (void)api, (void)write, (void)write_ctx, (void)message, (void)cap;
    return MOTE_E_UNSUPPORTED;
}

static mote_status load(void *ctx, const mote_view *group, const mote_view_api *api, const void *blob, size_t bytes, void **loaded, char *message,
                        size_t cap)
{
    (void)ctx, (void)group, (void)api, (void)blob, (void)bytes, (void)loaded, (void)message, (void)cap;
    return MOTE_E_UNSUPPORTED;
}

static void release(void *ctx, void *p) { (void)ctx, (void)p; }

static mote_status bind(void *ctx, void *loaded, const mote_tensor *inputs, size_t n_inputs, const mote_tensor *outputs, size_t n_outputs,
                        void **instance, char *message, size_t cap)
{
    (void)ctx, (void)loaded, (void)inputs, (void)n_inputs, (void)outputs, (void)n_outputs, (void)instance, (void)message, (void)cap;
    return MOTE_E_UNSUPPORTED;
}

static mote_status run(void *ctx, void *instance, const mote_tensor *inputs, const mote_tensor *outputs, mote_completion done, void *done_ctx,
                       char *message, size_t cap)
{
    (void)ctx, (void)instance, (void)inputs, (void)outputs, (void)done, (void)done_ctx, (void)message, (void)cap;
    return MOTE_E_UNSUPPORTED;
}

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {sizeof provider, MOTE_PROVIDER_ABI, IDLE_NAME, NULL, probe, partition, compile, load, release, NULL, bind,
                                           release, run, NULL};
    return abi == MOTE_PROVIDER_ABI ? &provider : NULL;
}
