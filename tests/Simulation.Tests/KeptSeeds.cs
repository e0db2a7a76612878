using System.Globalization;

namespace Backhaul.Simulation.Tests;

/// <summary>Seeds/*.txt: a seed a line, then what it found. They always run.</summary>
internal static class KeptSeeds
{
    public static IEnumerable<long> All =>
        from file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Seeds"), "*.txt").Order(StringComparer.Ordinal)
        from line in File.ReadLines(file)
        where line.Length > 0 && char.IsAsciiDigit(line[0])
        select long.Parse(line.Split(' ', 2)[0], CultureInfo.InvariantCulture);
}
