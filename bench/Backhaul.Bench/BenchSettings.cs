using System.Globalization;

namespace Backhaul.Bench;

/// <summary>What to run, how often, against whom, and where.</summary>
internal sealed record BenchSettings
{
    public const string Usage = """
        Backhaul beside other tools, on this machine, over loopback, with nginx as the origin.

          bench/side-by-side [SCENARIO ...] [OPTION ...]

        Scenarios (all of them when none is named):
          large    one file of 2 GiB; with a flush of the file at the end, and without one
          medium   200 files of 8 MiB
          small    10,000 files of 16 KiB; the node with its embedded store and with PostgreSQL
          many     1,000 files of 1 MiB at once from a server that gives each 1 MB/s: memory and heartbeats of the node, with PostgreSQL
          queue    one session with 100,000 queued tasks: accepted per second, memory for each, time to open it again after kill -9

        Peers: curl curl-parallel aria2c rclone wget loop loop-flush quartz. `loop` is a bare HttpClient loop that writes the same files,
        `loop-flush` flushes each of them, `quartz` is a Quartz.NET job for each file in its PostgreSQL job store (bench/QuartzJob).
        A peer that knows a number of connections is tried with each of --connections first, and runs with the best.

        Options:
          --rounds N             rounds, contestants in turn in each (5)
          --folder PATH          where everything is written: a disk, not memory (/var/tmp)
          --peers A,B            only these peers
          --connections A,B      numbers of connections to try (4,8,16,32,64)
          --stores A,B           the node's stores in `small`: embedded, postgres (both)
          --set NAME=VALUE       an option of the node, for instance Backhaul:Files:DirectWrites=false; may be repeated
          --help                 this

        Seconds run from the start of a program to its end; the node's from the first byte of the bulk request to the moment its view counts
        every task as succeeded. CPU seconds are the program's own, not nginx's or PostgreSQL's. Only ratios of medians of one run mean
        something. The table goes to the terminal and to bench/results/. Leave five minutes between two runs of `small`: on ext4 the files that the
        first one deletes at its end make those of the second slower to create, for everybody.
        """;

    private static readonly string[] Scenarios = ["large", "medium", "small", "many", "queue"];
    private static readonly string[] AllPeers = ["curl", "curl-parallel", "aria2c", "rclone", "wget", "loop", "loop-flush", "quartz"];
    private static readonly string[] AllStores = ["embedded", "postgres"];

    public List<string> Names { get; } = [];

    public int Rounds { get; private set; } = 5;

    public string Folder { get; private set; } = "/var/tmp";

    public IReadOnlyList<string> Peers { get; private set; } = AllPeers;

    public IReadOnlyList<int> Connections { get; private set; } = [4, 8, 16, 32, 64];

    public IReadOnlyList<string> Stores { get; private set; } = AllStores;

    public List<string> NodeOptions { get; } = [];

    public bool Runs(string name) => Names.Count == 0 || Names.Contains(name);

    public bool Has(string peer) => Peers.Contains(peer);

    /// <summary>Null when the words are not understood.</summary>
    public static BenchSettings? Parse(string[] words)
    {
        var settings = new BenchSettings();
        for (var i = 0; i < words.Length; i++)
        {
            if (Scenarios.Contains(words[i]))
                settings.Names.Add(words[i]);
            else if (++i >= words.Length || !settings.Read(words[i - 1], words[i]))
                return null;
        }
        return settings;
    }

    private bool Read(string option, string value)
    {
        switch (option)
        {
            case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out var rounds) && rounds > 0:
                Rounds = rounds;
                return true;
            case "--folder":
                Folder = value;
                return true;
            case "--peers":
                Peers = value.Split(',', StringSplitOptions.RemoveEmptyEntries);
                return Peers.All(AllPeers.Contains);
            case "--stores":
                Stores = value.Split(',');
                return Stores.All(AllStores.Contains);
            case "--connections":
                Connections = [.. value.Split(',').Select(text => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 0)];
                return Connections.All(number => number is >= 1 and <= 64);
            case "--set" when value.Contains('='):
                NodeOptions.Add("--" + value);
                return true;
            default:
                return false;
        }
    }
}
