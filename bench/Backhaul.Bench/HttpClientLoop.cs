using System.Diagnostics;
using System.Globalization;

namespace Backhaul.Bench;

/// <summary>
/// The least that a .NET program does for the same files: a shared HttpClient, so many requests at once, each body read whole and written. Run as a
/// process of its own; the first tenth of the list is fetched twice, so that compiling is not measured. Prints seconds and CPU seconds.
/// </summary>
internal static class HttpClientLoop
{
    public const string Verb = "http-client-loop";

    public static async Task<int> RunAsync(string[] words)
    {
        var (urls, folder, flush) = (await File.ReadAllLinesAsync(words[0]), words[1], words[3] == "flush");
        var connections = int.Parse(words[2], CultureInfo.InvariantCulture);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false });
        await FetchAsync(http, urls[..(urls.Length / 10)], folder, connections, flush);

        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var started = Stopwatch.GetTimestamp();
        await FetchAsync(http, urls, folder, connections, flush);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000} {used:0.000}"));
        return 0;
    }

    private static Task FetchAsync(HttpClient http, string[] urls, string folder, int connections, bool flush)
    {
        var next = -1;
        return Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < urls.Length)
            {
                using var response = await http.GetAsync(new Uri(urls[i]), HttpCompletionOption.ResponseHeadersRead);
                response.EnsureSuccessStatusCode();
                await using var file = File.Create(Path.Combine(folder, urls[i][(urls[i].LastIndexOf('/') + 1)..]), bufferSize: 0);
                await response.Content.CopyToAsync(file);
                if (flush)
                    file.Flush(flushToDisk: true);
            }
        })));
    }
}
