/** The configuration: one YAML file, read into validated records, with every error at once. */
@NullMarked
package dev.entrepot.config;

import org.jspecify.annotations.NullMarked;
