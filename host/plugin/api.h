/* api.h - the table of calls that plugins reach the host by.
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef HOST_PLUGIN_API_H
#define HOST_PLUGIN_API_H

#include <bellhop/plugin.h>

struct conf;
struct conf_errors;
struct plugin;

/* Each instance gets a copy of this. */
extern const struct bh_api api_table;

/* Runs the plugin's check() once: on its settings in the main file (team "")
 * or in a team's. */
void api_check(const struct plugin *plugin, const struct conf *conf,
    struct conf_errors *errors, const char *team,
    const struct bh_value *settings);

#endif /* HOST_PLUGIN_API_H */
