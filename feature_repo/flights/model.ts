import { featureService, onDemandFeatureView, requestSource, trainingSetSchedule } from '../../src/index.ts';
import { airportDay, carrierDelays, planeRecent, routeHistory, weather } from './views.ts';

/** Computed at the moment of use, by this same function in training and in serving. */
export const departureContext = onDemandFeatureView({
  name: 'departure_context',
  inputs: {
    carrier: carrierDelays,
    readings: weather,
    request: requestSource({ sched_dep_hour: 'int64', distance: 'int64' }),
  },
  features: { evening: 'bool', long_haul: 'bool', expected_delay: 'float64', rough_weather: 'bool' },
  transform: ({ carrier, readings, request }) => {
    const evening = request.sched_dep_hour >= 17n;
    const delay = carrier.avg_dep_delay_1d ?? carrier.avg_dep_delay_7d;
    const { wind_speed, visib } = readings;
    return {
      evening,
      long_haul: request.distance > 1500n,
      expected_delay: delay === null ? null : delay * (evening ? 1.5 : 0.8),
      rough_weather: wind_speed === null || visib === null ? null : wind_speed > 20 || visib < 3,
    };
  },
  owner: 'flights@example.com',
  description: 'What the hour, the distance and the weather say about this departure',
});

export const departureDelayModel = featureService({
  name: 'departure_delay_model',
  features: [
    carrierDelays,
    planeRecent.pick('flights_24h', 'last_dep_delays'),
    routeHistory,
    airportDay.pick('avg_dep_delay', 'p90_dep_delay'),
    weather.pick('temp', 'wind_speed', 'precip', 'visib'),
    departureContext,
  ],
  owner: 'flights@example.com',
  tags: { model: 'departure-delay' },
  description: 'Predicts two hours before departure how late a flight will leave',
});

/** Every Monday: the flights of the week before whose delay is known by then. */
export const weeklyDelays = trainingSetSchedule({
  name: 'weekly_delays',
  schedule: '0 0 * * 1',
  dataDelay: '12h',
  service: departureDelayModel,
  spine: {
    query: `
      SELECT flight_id, predict_at AS event_timestamp, carrier, tailnum, origin, dest, distance, sched_dep_hour, dep_delay AS label
      FROM flight_schedule
      WHERE dep_delay IS NOT NULL AND predict_at >= $interval_start AND predict_at < $interval_end
      ORDER BY predict_at, flight_id`,
    timestampField: 'event_timestamp',
  },
  label: { column: 'label' },
  split: 'time:80/10/10',
  owner: 'flights@example.com',
  description: 'What the model of departure delays is trained on next',
});
