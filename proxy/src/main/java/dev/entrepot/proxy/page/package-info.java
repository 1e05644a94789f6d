/**
 * The web page on the admin port: its files, what it asks for, and the events that keep it up to date. It shows and
 * changes nothing.
 */
@NullMarked
package dev.entrepot.proxy.page;

import org.jspecify.annotations.NullMarked;
