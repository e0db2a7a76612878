using System.Diagnostics;
using System.Text.Json;
using Backhaul.Node.Hosting;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class ConsoleTests
{
    [Fact]
    public void An_entry_is_one_line_whatever_is_in_it()
    {
        var line = Write("Backhaul.Node.Hosting.NodeDrain", LogLevel.Warning, default, "one\r\ntwo\u001b[31m", new InvalidOperationException("a\nb"));
        Assert.EndsWith("\n", line, StringComparison.Ordinal);
        Assert.Equal(1, line.Count(c => c == '\n'));
        Assert.DoesNotContain('\u001b', line);
        Assert.Matches(@"^\d\d:\d\d:\d\d\.\d\d\d WRN NodeDrain: one", line);
    }

    [Fact]
    public void A_start_that_failed_for_a_known_reason_is_not_told_twice()
    {
        const string host = "Microsoft.Extensions.Hosting.Internal.Host";
        Assert.Empty(Write(host, LogLevel.Error, new EventId(11), "Hosting failed to start", new NodeStartException(73, "known")));
        Assert.NotEmpty(Write(host, LogLevel.Error, new EventId(11), "Hosting failed to start", new InvalidOperationException("a bug")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_printed_command_is_one_line_that_a_shell_understands(bool withoutKeys)
    {
        var command = StartMessage.FirstDownload("http://127.0.0.1:5080", withoutKeys);
        Assert.DoesNotContain('\n', command);
        // curl is replaced by a function that prints its arguments, one on each line.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "curl() { printf '%s\\n' \"$@\"; }; " + command]) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["BACKHAUL_KEY"] = "k 1";
        using var shell = Process.Start(start)!;
        var arguments = (await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
        Assert.Contains("http://127.0.0.1:5080/v1/sessions/first", arguments);
        Assert.Contains("http://127.0.0.1:5080/v1/sessions/first/tasks", arguments);
        Assert.Equal(withoutKeys ? 0 : 2, arguments.Count(argument => argument == "Authorization: Bearer k 1"));
        var task = JsonSerializer.Deserialize(arguments[^1], ProtocolJson.Strict.TaskRequest)!;
        Assert.Equal(("download", "https://example.org/"), (task.Kind, task.Url));
    }

    [Fact]
    public void The_message_says_where_it_listens_and_that_it_has_no_keys()
    {
        var text = StartMessage.Text(["http://127.0.0.1:5080"], withoutKeys: true, new StartFacts("http://127.0.0.1:9110", "/var/data"));
        Assert.Contains("http://127.0.0.1:5080   without keys", text, StringComparison.Ordinal);
        Assert.Contains("http://127.0.0.1:9110", text, StringComparison.Ordinal);
        Assert.Contains("/var/data", text, StringComparison.Ordinal);
        Assert.Contains("Backhaul__Egress__Allow__0=", text, StringComparison.Ordinal);
    }

    private static string Write(string category, LogLevel level, EventId id, string message, Exception? exception)
    {
        using var writer = new StringWriter();
        new ConsoleLines(TimeProvider.System).Write(new LogEntry<string>(level, category, id, message, exception, static (state, _) => state), null, writer);
        return writer.ToString();
    }
}
