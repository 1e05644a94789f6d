package dev.entrepot.config;

import java.text.ParseException;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Times of the calendar. Five fields are those of a crontab: minute, hour, day of month, month, day of week. Each is
 * {@code *}, a number, a range, a list of those, or one of those with a step; months and days of the week also by their
 * English abbreviations. Either the day of the month or the day of the week is {@code *}. Six or seven fields are
 * Quartz' own syntax, as Quartz reads it: seconds first, {@code ?} for one of the two kinds of day, {@code L},
 * {@code W} and {@code #}, Sunday as 1, and perhaps the year.
 *
 * @param text the fields, joined by blanks
 */
public record CronExpression(String text) {
    /** What the text may be. */
    static final String ALLOWED =
            "five fields as in a crontab (minute hour day-of-month month day-of-week), for example */5 * * * *, "
                    + "or six or seven as Quartz has them (second minute hour day-of-month month day-of-week, and perhaps year), for example 0 0/5 * * * ?";

    private static final int CRONTAB_FIELDS = 5;
    private static final int MOST_QUARTZ_FIELDS = 7;
    private static final List<String> MONTHS =
            List.of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");
    private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");
    private static final List<Integer> LONGEST_MONTHS = List.of(31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

    /** Validates the fields and that there is a day on which it fires. */
    public CronExpression {
        String[] fields = fieldsOf(text);
        if (!hasFieldsOfOne(text)) {
            throw new InvalidValueException("", ALLOWED + ", not " + fields.length + " fields");
        }
        text = String.join(" ", fields);
        if (fields.length == CRONTAB_FIELDS) {
            checkCrontab(text, fields);
        } else {
            checkQuartz(text);
        }
    }

    /** Whether a text has as many fields as an expression may have. */
    static boolean hasFieldsOfOne(String text) {
        int fields = fieldsOf(text).length;
        return fields >= CRONTAB_FIELDS && fields <= MOST_QUARTZ_FIELDS;
    }

    private static String[] fieldsOf(String text) {
        return text.strip().split("[ \\t]+");
    }

    private static void checkCrontab(String text, String[] fields) {
        Fields parsed = Fields.parse(text);
        if (!fields[2].equals("*") && !fields[4].equals("*")) {
            throw new InvalidValueException("", "a day of month or a day of week, and * for the other");
        }
        boolean fires =
                parsed.month().stream().anyMatch(month -> parsed.dayOfMonth().first() <= LONGEST_MONTHS.get(month - 1));
        if (!fires) {
            throw new InvalidValueException("", "a day of the month that there is in one of the months");
        }
    }

    private static void checkQuartz(String text) {
        boolean fires;
        try {
            fires = new org.quartz.CronExpression(text).getTimeAfter(new Date(0)) != null;
        } catch (ParseException e) {
            throw new InvalidValueException("", ALLOWED + "; Quartz says: " + reason(e));
        }
        if (!fires) {
            throw new InvalidValueException("", "a day that there is in one of the months and years");
        }
    }

    // Without what it quotes: no message shows a value.
    private static String reason(ParseException e) {
        return String.valueOf(e.getMessage()).replaceFirst("[:'(].*", "").strip();
    }

    /**
     * The same times in Quartz' syntax: with seconds, {@code ?} for the unused kind of day, and Sunday as 1; what is in
     * it already stays as it is.
     */
    public String toQuartz() {
        String[] raw = text.split(" ");
        if (raw.length > CRONTAB_FIELDS) {
            return text;
        }
        Fields fields = Fields.parse(text);
        boolean byWeekday = !raw[4].equals("*");
        SortedSet<Integer> weekdays =
                fields.dayOfWeek().stream().map(day -> day + 1).collect(Collectors.toCollection(TreeSet::new));
        return String.join(
                " ",
                "0",
                list(raw[0], fields.minute()),
                list(raw[1], fields.hour()),
                byWeekday ? "?" : list(raw[2], fields.dayOfMonth()),
                list(raw[3], fields.month()),
                byWeekday ? list(raw[4], weekdays) : "?");
    }

    private static String list(String raw, SortedSet<Integer> values) {
        return raw.equals("*") ? "*" : values.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    @Override
    public String toString() {
        return text;
    }

    private record Fields(
            SortedSet<Integer> minute,
            SortedSet<Integer> hour,
            SortedSet<Integer> dayOfMonth,
            SortedSet<Integer> month,
            SortedSet<Integer> dayOfWeek) {
        static Fields parse(String text) {
            String[] fields = text.split(" ");
            SortedSet<Integer> weekdays = field("day-of-week", fields[4], 0, 7, DAYS, 0);
            if (weekdays.remove(7)) {
                weekdays.add(0);
            }
            return new Fields(
                    field("minute", fields[0], 0, 59, List.of(), 0),
                    field("hour", fields[1], 0, 23, List.of(), 0),
                    field("day-of-month", fields[2], 1, 31, List.of(), 0),
                    field("month", fields[3], 1, 12, MONTHS, 1),
                    weekdays);
        }

        private static SortedSet<Integer> field(
                String name, String text, int least, int most, List<String> names, int firstName) {
            SortedSet<Integer> values = new TreeSet<>();
            for (String part : text.split(",", -1)) {
                String[] stepped = part.split("/", -1);
                String[] range = stepped[0].split("-", -1);
                if (stepped.length > 2 || range.length > 2) {
                    throw refused(name, least, most);
                }
                boolean all = stepped[0].equals("*");
                int from = all ? least : number(name, range[0], least, most, names, firstName);
                int single = all || stepped.length == 2 ? most : from;
                int to = range.length == 2 ? number(name, range[1], least, most, names, firstName) : single;
                int step = stepped.length == 2 ? number(name, stepped[1], 1, most, List.of(), 0) : 1;
                if (from > to) {
                    throw refused(name, least, most);
                }
                for (int value = from; value <= to; value += step) {
                    values.add(value);
                }
            }
            return values;
        }

        private static int number(String name, String text, int least, int most, List<String> names, int firstName) {
            int named = names.indexOf(text.toUpperCase(Locale.ROOT));
            if (named >= 0) {
                return named + firstName;
            }
            if (!text.matches("[0-9]{1,2}")) {
                throw refused(name, least, most);
            }
            int value = Integer.parseInt(text);
            if (value < least || value > most) {
                throw refused(name, least, most);
            }
            return value;
        }

        private static InvalidValueException refused(String name, int least, int most) {
            return new InvalidValueException(
                    "",
                    "in the field " + name + " numbers from " + least + " to " + most + ", ranges, lists, steps or *");
        }
    }
}
