using System.Globalization;

namespace Backhaul.Bench;

/// <summary>Somebody who does the same work as the others; told the number of the round.</summary>
internal sealed record Contestant(string Name, Func<int, Task<Measurement>> RunAsync);

/// <summary>Contestants in turn, round by round, so that a machine that changes its mood changes it for all of them.</summary>
internal static class Contest
{
    public static async Task RunAsync(BenchSettings settings, Report report, string title, IReadOnlyList<Contestant> contestants)
    {
        var runs = contestants.Select(_ => new List<Measurement>()).ToList();
        for (var round = 1; round <= settings.Rounds; round++)
        {
            for (var i = 0; i < contestants.Count; i++)
            {
                await Command.SettleAsync();
                runs[i].Add(await contestants[i].RunAsync(round));
            }
            var line = contestants.Zip(runs, (one, its) => string.Create(CultureInfo.InvariantCulture, $"{one.Name} {its[^1].Seconds:0.00}"));
            Console.WriteLine($"{title}, round {round}: {string.Join(" · ", line)}");
        }
        report.Add(title, [.. contestants.Zip(runs, (one, its) => (one.Name, (IReadOnlyList<Measurement>)its))]);
    }

    /// <summary>The contestant at its best number of connections.</summary>
    public static async Task<Contestant> BestAsync(
        string name, IReadOnlyList<int> connections, Func<int, string> nameWith, Func<int, int, Task<Measurement>> run)
    {
        var (best, fastest) = (connections[0], double.MaxValue);
        var tried = new List<string>();
        foreach (var number in connections.Count > 1 ? connections : [])
        {
            await Command.SettleAsync();
            var seconds = (await run(number, 0)).Seconds;
            tried.Add(string.Create(CultureInfo.InvariantCulture, $"{number}: {seconds:0.00} s"));
            if (seconds < fastest)
                (best, fastest) = (number, seconds);
        }
        Console.WriteLine($"{name} by connections: {string.Join(", ", tried)}; runs with {best}");
        return new Contestant(nameWith(best), round => run(best, round));
    }
}
