using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>The whole table at first try and after a resume, by the engine in this process.</summary>
public sealed class EngineFaultTests : IAsyncLifetime
{
    private ScriptedOrigin _origin = null!;
    private Engine _engine = null!;

    public static TheoryData<string, Way> Rows()
    {
        var rows = new TheoryData<string, Way>();
        foreach (var row in FaultRows.All)
        {
            rows.Add(row.Name, Way.FirstTry);
            if (row.Lead > 0)
                rows.Add(row.Name, Way.AfterResume);
        }
        return rows;
    }

    public async ValueTask InitializeAsync()
    {
        _origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        _engine = Engine.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Every_fault_ends_in_the_right_file_or_in_none(string name, Way way) =>
        new EngineRow(_origin, _engine, FaultRows.All.Single(row => row.Name == name), way).RunAsync();
}
