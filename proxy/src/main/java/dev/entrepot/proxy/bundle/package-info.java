/** Bundles as people and clients see them: listed, drawn, and served through the pull API (docs/air-gap.md). */
@NullMarked
package dev.entrepot.proxy.bundle;

import org.jspecify.annotations.NullMarked;
