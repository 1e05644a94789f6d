package dev.entrepot.config;

import java.util.Optional;
import org.snakeyaml.engine.v2.exceptions.Mark;

/**
 * A place in the file.
 *
 * @param line the line, from 1; 0 for the file as a whole
 * @param column the column, from 1; 0 for the file as a whole
 */
record Position(int line, int column) {
    /** The file as a whole. */
    static final Position FILE = new Position(0, 0);

    /** The place of a mark, which counts from 0. */
    static Position of(Optional<Mark> mark) {
        return mark.map(m -> new Position(m.getLine() + 1, m.getColumn() + 1)).orElse(FILE);
    }
}
