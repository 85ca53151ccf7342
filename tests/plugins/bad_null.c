/* bad_null.c - a plug-in that must be refused: it serves no version that mote knows
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>
#include <stddef.h>

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    (void)abi;
    return NULL;
}
