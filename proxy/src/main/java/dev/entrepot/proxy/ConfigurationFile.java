package dev.entrepot.proxy;

/**
 * A file of a client's configuration.
 *
 * @param path where it goes
 * @param restart what to restart, or that nothing has to be
 * @param text what it says
 */
record ConfigurationFile(String path, String restart, String text) {}
